"""What cfssl does silently with a request spec: subject, hosts, key, `ca`, extensions.

Read in the source of cfssl HEAD (csr/csr.go, signer/signer.go, initca/initca.go) and run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aggportal.pki.errors import InvalidHost
from aggportal.pki.hosts import San, classify_host
from aggportal.pki.names import encoding_problem
from aggportal.pki.powernames import power_names
from aggportal.pki.requests import UPPER_BOUNDS
from aggportal.pki.silences import Asked, Behaviour, Silence
from aggportal.pki.specs import NAME_KEYS
from aggportal.pki.usages import extended_key_usages
from aggportal.words import gettext_noop as _n

MAX_TOLD = 5
_PORT = re.compile(r"\[?[A-Za-z0-9.*:_-]+\]?:\d{1,5}", re.ASCII)
_HOST_LIKE = re.compile(r"[A-Za-z0-9*-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
_REPEATED = {"C": "country", "ST": "state", "L": "locality", "O": "organization"}
_REPEATED |= {"OU": "organizational_unit"}


def unknown_keys(asked: Asked) -> Iterator[Silence]:
    for path in asked.spec.unknown[:MAX_TOLD]:
        text = _n("cfssl ignores “%(path)s”, which it does not know.")
        yield asked.shared("unknown-key", path, text, path=path)


def serial_number_in_names(asked: Asked) -> Iterator[Silence]:
    for place, entry in enumerate(asked.spec.names):
        if entry.serial_number:
            text = _n(
                "cfssl reads SerialNumber inside names and then forgets it; serialnumber beside CN "
                "is the one that counts."
            )
            yield asked.shared("serial-number-in-names", f"names[{place}].SerialNumber", text)


def repeated_names(asked: Asked) -> Iterator[Silence]:
    for key, attribute in _REPEATED.items():
        if len([1 for entry in asked.spec.names if getattr(entry, attribute)]) > 1:
            cfssl = _n(
                "cfssl puts every %(key)s into one RDN with several values, sorted by their bytes; "
                "X.501 forbids two values of one type there, and linters object."
            )
            ours = _n("Each %(key)s is an RDN of its own here, in your order.")
            yield asked.silence("multi-valued-rdn", "names", cfssl, ours, key=key)


def odd_country(asked: Asked) -> Iterator[Silence]:
    for place, entry in enumerate(asked.spec.names):
        value = entry.country
        if value and not (len(value) == 2 and value.isascii() and value.isalpha()):
            cfssl = _n("cfssl takes %(value)s for a country; ISO 3166 has two letters.")
            ours = _n("It is refused here.")
            field = f"names[{place}].C"
            yield asked.silence("odd-country", field, cfssl, ours, value=value)


def too_long(asked: Asked) -> Iterator[Silence]:
    values = [("CN", "CN", asked.spec.common_name)]
    values += [("serialnumber", "serialnumber", asked.spec.serial_number)]
    for place, entry in enumerate(asked.spec.names):
        for key, attribute in NAME_KEYS.items():
            if key in UPPER_BOUNDS:
                values.append((key, f"names[{place}].{key}", getattr(entry, attribute)))
    for key, field, value in values:
        if len(value) > UPPER_BOUNDS[key]:
            cfssl = _n("cfssl does not look how long %(key)s is; RFC 5280 allows %(limit)d.")
            ours = _n("It is refused here.")
            limit = UPPER_BOUNDS[key]
            yield asked.silence("too-long", field, cfssl, ours, key=key, limit=limit)


def stray_spaces(asked: Asked) -> Iterator[Silence]:
    named = [("CN", asked.spec.common_name)]
    for place, entry in enumerate(asked.spec.names):
        named.append((f"names[{place}].O", entry.organization))
    for field, value in named:
        if value != value.strip():
            cfssl = _n("cfssl keeps the space around “%(value)s”: to Kubernetes another name.")
            ours = _n("It is refused here.")
            yield asked.silence("stray-space", field, cfssl, ours, value=value)


def kinds_of_string(asked: Asked) -> Iterator[Silence]:
    if encoding_problem("serialnumber", asked.spec.serial_number):
        cfssl = _n("cfssl writes it as UTF8String; X.520 allows a serial number PrintableString.")
        ours = _n("It is refused here.")
        yield asked.silence("kind-of-string", "serialnumber", cfssl, ours)
    for place, entry in enumerate(asked.spec.names):
        if entry.email:
            cfssl = _n("cfssl writes E as UTF8String, where RFC 5280 wants IA5String.")
            ours = _n("It is an IA5String here, and stands among the names too (RFC 5280).")
            yield asked.silence("kind-of-string", f"names[{place}].E", cfssl, ours)


def no_subject(asked: Asked) -> Iterator[Silence]:
    spec = asked.spec
    if asked.profile and not spec.common_name and not list(asked.subject):
        cfssl = _n("cfssl issues a certificate without any subject; the hosts become critical.")
        yield asked.silence("no-subject", "CN", cfssl, _n("It is refused here."))


def reserved_names(asked: Asked) -> Iterator[Silence]:
    for found in power_names(asked.subject)[:MAX_TOLD]:
        cfssl = _n("cfssl issues %(attribute)s=%(value)s like any other name.")
        ours = _n("It is refused here, unless two people let it pass and say why.")
        field = "CN" if found.attribute == "CN" else "names"
        params = {"attribute": found.attribute, "value": found.value}
        yield asked.never("reserved-name", field, cfssl, ours, **params)


def odd_hosts(asked: Asked) -> Iterator[Silence]:
    told = 0
    for place, text in enumerate(asked.spec.hosts):
        san = _only_cfssl_takes(text)
        if san and told < MAX_TOLD and not asked.makes_authority:
            told += 1
            params = {"host": text, "kind": san.kind.upper(), "value": san.value}
            ours = _n("It is refused here.")
            yield asked.silence("odd-host", f"hosts[{place}]", _odd(text, san), ours, **params)


def _odd(text: str, san: San) -> str:
    if san.kind == "email":
        return _n("cfssl keeps of %(host)s the address %(value)s alone.")
    if _PORT.fullmatch(text):
        return _n(
            "cfssl makes the URI %(value)s of %(host)s (of 2016: a DNS name with a colon in it); "
            "no client compares either with a host."
        )
    if " " in text:
        return _n("cfssl makes the DNS name “%(value)s” of it, space and all: nobody finds it.")
    if san.kind == "uri":
        return _n("cfssl makes the URI %(value)s of %(host)s (of 2016: a DNS name).")
    return _n("cfssl makes the %(kind)s name %(value)s of it, which no verifier can match.")


def _only_cfssl_takes(text: str) -> San | None:
    try:
        san = classify_host(text, compat=True)
    except InvalidHost:
        return None
    try:
        classify_host(text)
    except InvalidHost:
        return san
    return None


def repeated_hosts(asked: Asked) -> Iterator[Silence]:
    hosts = asked.spec.hosts
    twice = next((host for place, host in enumerate(hosts) if host in hosts[:place]), "")
    if twice and not asked.makes_authority:
        cfssl = _n("cfssl writes %(host)s as often as it stands there.")
        ours = _n("It is written once here.")
        yield asked.silence("repeated-host", "hosts", cfssl, ours, host=twice)


def uris_in_2016(asked: Asked) -> Iterator[Silence]:
    for place, text in enumerate(asked.spec.hosts):
        if "://" in text and not _only_cfssl_takes(text) and not asked.makes_authority:
            cfssl = _n("cfssl before 1.3 (Debian's too) makes a DNS name of the URI %(host)s.")
            ours = _n("It is a URI here, as in newer cfssl.")
            yield asked.never("uri-as-dns", f"hosts[{place}]", cfssl, ours, host=text)
            return


def hosts_of_an_authority(asked: Asked) -> Iterator[Silence]:
    if not asked.makes_authority or not asked.spec.hosts:
        return
    kinds = {_kind(text) for text in asked.spec.hosts}
    if kinds - {"ip"}:
        text = _n("cfssl leaves DNS names, e-mail addresses and URIs out of an authority.")
        yield asked.shared("hosts-of-authority", "hosts", text)
    if "ip" in kinds:
        cfssl = _n("cfssl leaves the IP addresses in an authority's certificate (cfssl#1276).")
        yield asked.silence("ip-of-authority", "hosts", cfssl, _n("They are left out here."))


def _kind(text: str) -> str:
    try:
        return classify_host(text, compat=True).kind
    except InvalidHost:
        return "dns"


def cn_not_copied(asked: Asked) -> Iterator[Silence]:
    cn = asked.spec.common_name
    if _serves(asked) and _HOST_LIKE.fullmatch(cn) and cn not in asked.spec.hosts:
        text = _n("cfssl does not copy the CN %(cn)s into the hosts; clients look there alone.")
        yield asked.shared("cn-not-copied", "CN", text, cn=cn)


def no_hosts(asked: Asked) -> Iterator[Silence]:
    if _serves(asked) and not asked.spec.hosts:
        text = _n("cfssl issues a server's certificate without hosts; its log alone complains.")
        yield asked.shared("no-hosts", "hosts", text)


def _serves(asked: Asked) -> bool:
    usages = extended_key_usages(asked.profile.usages) if asked.profile else ()
    return "server auth" in usages and not asked.makes_authority


def size_of_ed25519(asked: Asked) -> Iterator[Silence]:
    if asked.spec.key.algo == "ed25519" and asked.spec.key.size:
        text = _n("cfssl ignores the size of an Ed25519 key; before 1.5 it knows no Ed25519.")
        yield asked.shared("size-of-ed25519", "key.size", text)


def dropped_extensions(asked: Asked) -> Iterator[Silence]:
    copies = asked.profile is not None and asked.profile.copy_extensions
    if asked.spec.extensions and not copies:
        cfssl = _n("cfssl puts the extensions into the CSR and leaves them out of the certificate.")
        ours = _n("A spec with extensions is refused here; of a CSR they are left out, and told.")
        yield asked.silence("dropped-extension", "extensions", cfssl, ours)


def crl_url_of_a_leaf(asked: Asked) -> Iterator[Silence]:
    if asked.profile is not None and asked.spec.crl_url:
        text = _n("cfssl reads crl_url of a request for -initca alone; here the profile's counts.")
        yield asked.shared("crl-url-of-leaf", "crl_url", text)


def life_of_an_authority(asked: Asked) -> Iterator[Silence]:
    ca = asked.spec.ca
    if asked.profile is not None:
        return
    if ca is None or not ca.expiry:
        text = _n("Without ca.expiry cfssl gives an authority 43800h, five years.")
        yield asked.shared("default-expiry", "ca.expiry", text)
    if ca is not None and ca.backdate:
        cfssl = _n("cfssl forgets ca.backdate where it makes an authority anew for a key it has.")
        ours = _n("It counts here, at renewing too.")
        yield asked.never("ca-backdate", "ca.backdate", cfssl, ours)


def depth_of_an_authority(asked: Asked) -> Iterator[Silence]:
    ca = asked.spec.ca
    if asked.profile is not None:
        return
    if ca is None or not (ca.pathlen or ca.pathlenzero):
        text = _n("pathlen 0 without pathlenzero is no limit to cfssl: any number below.")
        yield asked.shared("pathlen-without-zero", "ca.pathlen", text)
    elif ca.pathlen and ca.pathlenzero:
        cfssl = _n("cfssl ignores pathlenzero beside a pathlen that is not 0.")
        ours = _n("It is refused here.")
        yield asked.silence("pathlenzero-ignored", "ca.pathlenzero", cfssl, ours)


def no_own_identifier(asked: Asked) -> Iterator[Silence]:
    if asked.profile is None:
        cfssl = _n("cfssl gives a self-signed authority no authority key identifier.")
        yield asked.silence("no-own-identifier", "", cfssl, _n("It has one here."))


ON_SPECS: tuple[Behaviour, ...] = (
    *(unknown_keys, serial_number_in_names, repeated_names, odd_country, too_long, stray_spaces),
    *(kinds_of_string, no_subject, reserved_names, odd_hosts, repeated_hosts, uris_in_2016),
    *(hosts_of_an_authority, cn_not_copied, no_hosts, size_of_ed25519, dropped_extensions),
    *(crl_url_of_a_leaf, life_of_an_authority, depth_of_an_authority, no_own_identifier),
)
