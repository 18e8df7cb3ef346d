"""Request specs and profiles that cfssl and we turn into the same bytes: every profile key, every
kind of host, every part of a subject.

`SPECS` are what Debian's cfssl (2016) makes; `NEWER` what only later ones make, of which
`cfssl_head.json` keeps what cfssl at commit ed8df497 (2025-02-26) answered. One spelling is left
out: `content committment` is what the old cfssl knows and the newer one drops; we take both for the
usage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

P256 = {"algo": "ecdsa", "size": 256}
CLIENT = ["signing", "client auth"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request spec under a profile; `default` is `signing.default`, `ca` the authority's key."""

    name: str
    spec: Json
    profile: Json = field(default_factory=dict)
    default: Json = field(default_factory=lambda: {"expiry": "1h"})
    ca: str = "rsa"

    @property
    def config(self) -> Json:
        profile = {"usages": CLIENT, "expiry": "24h", **self.profile}
        return {"signing": {"default": self.default, "profiles": {"p": profile}}}

    @property
    def document(self) -> Json:
        return {"CN": "x", "key": P256, **self.spec}


def _profile(name: str, **profile: Any) -> Case:
    return Case(name=name, spec={"hosts": ["a.example"]}, profile=profile)


def _hosts(name: str, *hosts: str) -> Case:
    return Case(name=name, spec={"hosts": list(hosts)})


def _names(name: str, *entries: Json, **rest: Any) -> Case:
    return Case(name=name, spec={"names": list(entries), **rest})


_POLICY = {
    "ID": "1.2.3.4.5",
    "Qualifiers": [
        {"Type": "id-qt-cps", "Value": "http://cps.example"},
        {"Type": "id-qt-unotice", "Value": "read me"},
    ],
}
_PROFILES = [
    _profile(
        "usages: all key usages",
        usages=[
            "signing",
            "content committment",
            "key encipherment",
            "key agreement",
            "data encipherment",
            "cert sign",
            "crl sign",
            "encipher only",
            "decipher only",
        ],
    ),
    _profile("usages: digital signature", usages=["digital signature", "server auth"]),
    _profile(
        "usages: all extended ones",
        usages=[
            "any",
            "server auth",
            "client auth",
            "code signing",
            "email protection",
            "s/mime",
            "ipsec end system",
            "ipsec tunnel",
            "ipsec user",
            "timestamping",
            "ocsp signing",
            "microsoft sgc",
            "netscape sgc",
        ],
    ),
    _profile("usages: extended ones in another order", usages=["client auth", "server auth"]),
    _profile("usages: key usage alone", usages=["key encipherment"]),
    _profile("usages: server auth alone", usages=["server auth"]),
    _profile("expiry: odd", expiry="1h30m15s"),
    _profile("expiry: longer than the authority", expiry="200000h"),
    _profile("backdate", backdate="1h"),
    _profile("not_before", not_before="2026-01-01T00:00:00Z"),
    _profile(
        "not_before and not_after",
        not_before="2026-01-01T00:00:00Z",
        not_after="2049-12-31T23:59:59Z",
    ),
    _profile(
        "not_after beyond 2050", not_before="2026-01-01T00:00:00Z", not_after="2060-01-01T00:00:00Z"
    ),
    _profile("ca_constraint", usages=["cert sign", "crl sign"], ca_constraint={"is_ca": True}),
    _profile(
        "ca_constraint: max_path_len",
        usages=["cert sign"],
        ca_constraint={"is_ca": True, "max_path_len": 3},
    ),
    _profile(
        "ca_constraint: max_path_len_zero",
        usages=["cert sign"],
        ca_constraint={"is_ca": True, "max_path_len": 0, "max_path_len_zero": True},
    ),
    _profile("ocsp_url", ocsp_url="http://ocsp.example/"),
    _profile("crl_url", crl_url="http://crl.example/ca.crl"),
    _profile("issuer_urls", issuer_urls=["http://i.example/1.crt", "http://i.example/2.crt"]),
    _profile(
        "ocsp_url and issuer_urls",
        ocsp_url="http://ocsp.example/",
        issuer_urls=["http://i.example/1.crt"],
    ),
    _profile("ocsp_no_check", ocsp_no_check=True, usages=["signing", "ocsp signing"]),
    _profile("name_whitelist", name_whitelist="example|^x$"),
    _profile("Policies", Policies=[_POLICY, {"ID": "1.2.3.9"}]),
    _profile("a key that cfssl does not know", expires="1h", auto_sign=False),
    Case(
        name="inherited from default",
        spec={},
        default={
            "expiry": "1h",
            "ocsp_url": "http://o.example/",
            "crl_url": "http://c.example/",
            "issuer_urls": ["http://i.example/"],
        },
    ),
    Case(
        name="not inherited from default",
        spec={},
        default={
            "expiry": "1h",
            "backdate": "9h",
            "ocsp_no_check": True,
            "Policies": [_POLICY],
        },
    ),
]
_HOSTS = [
    _hosts("host: none"),
    _hosts("host: DNS", "a.example", "kubernetes", "api.wardle.svc"),
    _hosts("host: wildcard", "*.b.example"),
    _hosts("host: underscore", "a_b.example"),
    _hosts("host: A-label", "xn--bcher-kva.example"),
    _hosts("host: final dot", "a.example."),
    _hosts("host: spaces", " b", "c ", "d e"),
    _hosts("host: IPv4", "10.0.0.1", "127.0.0.1"),
    _hosts("host: IPv6", "::1", "2001:db8::1", "2001:DB8:0:0:0:0:0:2"),
    _hosts("host: IPv4 in IPv6", "::ffff:1.2.3.4"),
    _hosts("host: network", "0.0.0.0/0", "10.0.0.0/8"),
    _hosts("host: e-mail", "ops@example.com"),
    _hosts("host: e-mail with a name", "Ops <ops@example.com>"),
    _hosts("host: all kinds mixed", "z@x.y", "::1", "b.example", "10.0.0.1", "a.example", "a@x.y"),
    _hosts("host: twice", "a.example", "a.example", "10.0.0.1", "10.0.0.1"),
]
_SUBJECTS = [
    _names(
        "names: all places",
        {"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"},
    ),
    _names(
        "names: repeated O and OU",
        {"O": "k8s", "OU": "b"},
        {"O": "a", "OU": "a"},
        {"O": "zz", "OU": "c"},
    ),
    _names("names: repeated C and L", {"C": "DE", "L": "B"}, {"C": "CN", "L": "A"}),
    _names("names: country of three letters", {"C": "USA"}),
    _names("names: beyond PrintableString", {"O": "A*b & c", "OU": "Ünïcode", "L": "東京"}),
    _names("names: system:masters", {"O": "system:masters"}),
    _names("names: SerialNumber is ignored", {"O": "a", "SerialNumber": "7"}),
    _names("names: an empty entry", {}, {"O": "a"}),
    _names("serialnumber", {"O": "a"}, serialnumber="42"),
    Case(name="no subject", spec={"CN": "", "hosts": ["a.example"]}),
    Case(name="a subject that is the authority's own", spec={"CN": "rsa"}),
    Case(name="a key that cfssl does not know in a spec", spec={"host": ["a"], "CN": "y"}),
    Case(name="RSA key", spec={"key": {"algo": "rsa", "size": 2048}}),
    Case(name="P-384 key", spec={"key": {"algo": "ecdsa", "size": 384}}),
    Case(name="P-521 key", spec={"key": {"algo": "ecdsa", "size": 521}}),
    Case(name="below RSA 3072", spec={}, ca="rsa3072"),
    Case(name="below P-384", spec={}, ca="p384"),
]
SPECS = [*_PROFILES, *_HOSTS, *_SUBJECTS]

NEWER = [
    _hosts("host: URI", "spiffe://cluster.local/ns/a/sa/b", "https://a.example/x?y=1"),
    _hosts("host: with a port", "localhost:8443", "a.example:443"),
    _hosts("host: path", "/abs/path"),
    _hosts("host: zone", "fe80::1%eth0"),
    _hosts("host: every kind", "b.example", "o@x.y", "10.0.0.1", "spiffe://a/b"),
    _names("names: E", {"O": "a", "E": "ops@example.com"}),
    _names("names: OID", {"O": "a", "OID": {"1.2.3.4": "own"}}),
    _names(
        "names: street and postal code",
        {"OID": {"2.5.4.9": "Way 1"}},
        {"OID": {"2.5.4.17": "1234"}},
    ),
    Case(name="Ed25519 key", spec={"key": {"algo": "ed25519"}}),
    Case(name="below Ed25519", spec={"hosts": ["a.example"]}, ca="ed25519"),
    Case(name="delegation_enabled", spec={"delegation_enabled": True}),
    _profile("usages: content commitment", usages=["content commitment", "client auth"]),
    Case(
        name="an extension with copy_extensions",
        profile={"copy_extensions": True},
        spec={
            "extensions": [{"Id": [1, 2, 3, 4], "Critical": False, "Value": "BQA="}],
        },
    ),
    Case(
        name="an extension without copy_extensions",
        spec={
            "extensions": [{"Id": [1, 2, 3, 4], "Critical": True, "Value": "BQA="}],
        },
    ),
    _profile("lint_error_level is passed over", lint_error_level="reserved"),
    Case(
        name="recipe",
        spec={
            "CN": "aggregator",
            "hosts": ["127.0.0.1", "kubernetes", "kubernetes.default.svc"],
            "names": [{"C": "CN", "ST": "Shanghai", "L": "Shanghai", "O": "k8s", "OU": "System"}],
        },
        profile={
            "usages": ["signing", "key encipherment", "server auth", "client auth"],
            "expiry": "87600h",
        },
    ),
]

AUTHORITIES: dict[str, Json] = {
    "rsa": {"CN": "rsa", "key": {"algo": "rsa", "size": 2048}, "ca": {"expiry": "87600h"}},
    "rsa3072": {"CN": "r", "key": {"algo": "rsa", "size": 3072}, "names": [{"O": "a"}, {"O": "b"}]},
    "rsa4096": {"CN": "r", "key": {"algo": "rsa", "size": 4096}, "ca": {"pathlen": 2}},
    "p384": {"CN": "p", "key": {"algo": "ecdsa", "size": 384}, "ca": {"pathlenzero": True}},
    "hosts": {
        "CN": "h",
        "key": {"algo": "rsa", "size": 2048},
        "ca": {"expiry": "1h", "backdate": "2h"},
        "hosts": ["10.0.0.1", "lost.example", "lost@x.y", "::1"],
    },
    "no CN": {"names": [{"O": "only"}], "key": {"algo": "rsa", "size": 2048}},
    "pathlen without zero": {
        "CN": "p",
        "key": {"algo": "rsa", "size": 2048},
        "ca": {"pathlen": 0},
    },
}
NEWER_AUTHORITIES: dict[str, Json] = {
    "ed25519": {"CN": "e", "key": {"algo": "ed25519"}},
    "rsa": AUTHORITIES["rsa"],
    "everything": {
        "CN": "e",
        "key": {"algo": "rsa", "size": 2048},
        "serialnumber": "1",
        "crl_url": "http://c.example/",
        "hosts": ["10.0.0.1", "lost.example", "spiffe://lost/a"],
        "names": [{"O": "a", "E": "e@x.y", "OID": {"1.2.3.4": "own"}}],
        "ca": {"expiry": "17520h", "pathlen": 1},
    },
}
