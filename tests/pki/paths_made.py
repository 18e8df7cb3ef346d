"""A family of chains for those who build paths: each is right or wrong in one way."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from aggportal.pki.constraints import constraints_extension, load_constraints
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate
from tests.pki.certificates_made import AUTHORITY, NOW, SIGNING, YEAR, key_usage

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
USAGE_OIDS = {"server": SERVER, "client": CLIENT, "any": ANY}
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One certificate of a chain, with its key."""

    facts: CertificateFacts
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """One member of the family: `name` says what is special about it, `good` what RFC 5280 says."""

    name: str
    good: bool
    leaf: Link
    between: tuple[Link, ...]
    roots: tuple[Link, ...]
    usage: str = "server auth"


def name_of(cn: str, **more: str) -> x509.Name:
    oids = {"o": NameOID.ORGANIZATION_NAME, "email": NameOID.EMAIL_ADDRESS}
    rest = [x509.NameAttribute(oids[key], value) for key, value in more.items()]
    return x509.Name([*rest, x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    if kind == "IP":
        return x509.IPAddress(ipaddress.ip_address(value))
    if kind == "DNS":
        return x509.DNSName(value)
    return x509.RFC822Name(value) if kind == "email" else x509.UniformResourceIdentifier(value)


def link(
    subject: x509.Name | str,
    *,
    by: Link | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    ca: bool = True,
    pathlen: int | None = None,
    usages: tuple[str, ...] | None = None,
    extended: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    permitted: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    since: dt.datetime = NOW - DAY,
    until: dt.datetime = NOW + YEAR,
    critical: x509.ExtensionType | None = None,
) -> Link:
    """Make one certificate, signed by `by` or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = name_of(subject) if isinstance(subject, str) else subject
    signer = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca, pathlen if ca else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    chosen = usages if usages is not None else (AUTHORITY if ca else SIGNING)
    builder = builder.add_extension(key_usage(*chosen), True) if chosen else builder
    if extended:
        oids = x509.ExtendedKeyUsage([USAGE_OIDS[usage] for usage in extended])
        builder = builder.add_extension(oids, False)
    if names:
        sans = x509.SubjectAlternativeName([general_name(name) for name in names])
        builder = builder.add_extension(sans, False)
    constraints, problems = load_constraints(permitted, excluded, field="")
    assert not problems
    if constraints:
        builder = builder.add_extension(constraints_extension(constraints), True)
    builder = builder.add_extension(critical, True) if critical else builder
    certificate = builder.sign(signer, hashes.SHA256())
    facts = read_certificate(certificate.public_bytes(Encoding.DER))
    return Link(facts=facts, certificate=certificate, key=key)


def leaf(by: Link, **rest: object) -> Link:
    rest = {"names": ("DNS:api.wardle.svc",), "extended": ("server",), "ca": False, **rest}
    return link(rest.pop("subject", "leaf"), by=by, **rest)  # type: ignore[arg-type]


def chain(name: str, good: bool, *links: Link, usage: str = "server auth") -> Chain:
    """`links` begin with the root and end with the leaf."""
    return Chain(
        name=name,
        good=good,
        leaf=links[-1],
        between=tuple(reversed(links[1:-1])),
        roots=links[:1],
        usage=usage,
    )


def path_lengths() -> Iterator[Chain]:
    """The root's limit, the first intermediate's, and how many intermediates there are."""
    for top in (None, 0, 1, 2):
        root = link("root", pathlen=top)
        yield chain(f"root {top}, none between", True, root, leaf(root))
        for own in (None, 0, 1):
            links = [root, link("ca-1", by=root, pathlen=own)]
            for depth in (1, 2, 3):
                good = (top is None or depth <= top) and (own is None or depth - 1 <= own)
                name = f"root {top}, first {own}, {depth} between"
                yield chain(name, good, *links, leaf(links[-1]))
                links.append(link(f"ca-{depth + 1}", by=links[-1]))


# (permitted, excluded, names, good): held by the intermediate, and once more by the root.
CONSTRAINED: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], bool], ...] = (
    (("DNS:svc",), (), ("DNS:api.wardle.svc",), True),
    (("DNS:wardle.svc",), (), ("DNS:api.wardle.svc",), True),
    (("DNS:api.wardle.svc",), (), ("DNS:api.wardle.svc",), True),
    (("DNS:svc",), (), ("DNS:API.Wardle.SVC",), True),
    (("DNS:svc",), (), ("DNS:*.wardle.svc",), True),
    (("DNS:ardle.svc",), (), ("DNS:api.wardle.svc",), False),
    (("DNS:example.com",), (), ("DNS:api.wardle.svc",), False),
    (("DNS:example.com", "DNS:svc"), (), ("DNS:api.wardle.svc",), True),
    (("DNS:svc",), (), ("DNS:api.wardle.svc", "DNS:example.com"), False),
    ((), ("DNS:wardle.svc",), ("DNS:api.wardle.svc",), False),
    ((), ("DNS:example.com",), ("DNS:api.wardle.svc",), True),
    (("DNS:svc",), ("DNS:bad.svc",), ("DNS:api.wardle.svc",), True),
    (("DNS:svc",), ("DNS:wardle.svc",), ("DNS:api.wardle.svc",), False),
    ((), ("DNS:api.wardle.svc",), ("DNS:*.wardle.svc",), False),
    (("IP:10.0.0.0/8",), (), ("IP:10.1.2.3",), True),
    (("IP:10.0.0.0/8",), (), ("IP:192.0.2.1",), False),
    (("IP:10.0.0.0/8",), (), ("DNS:api.wardle.svc",), True),
    ((), ("IP:10.0.0.0/8",), ("IP:10.1.2.3",), False),
    ((), ("IP:10.0.0.0/8",), ("IP:192.0.2.1",), True),
    (("IP:2001:db8::/32",), (), ("IP:2001:db8::1",), True),
    (("IP:2001:db8::/32",), (), ("IP:10.1.2.3",), False),
    (("email:example.com",), (), ("email:a@example.com",), True),
    (("email:example.com",), (), ("email:a@mail.example.com",), False),
    (("email:.example.com",), (), ("email:a@mail.example.com",), True),
    (("email:a@example.com",), (), ("email:a@example.com",), True),
    (("email:a@example.com",), (), ("email:b@example.com",), False),
    ((), ("email:example.com",), ("email:a@example.com",), False),
    (("URI:example.com",), (), ("URI:https://example.com/x",), True),
    (("URI:example.com",), (), ("URI:https://www.example.com/x",), False),
    (("URI:.example.com",), (), ("URI:https://www.example.com/x",), True),
    ((), ("URI:.example.com",), ("URI:https://www.example.com/x",), False),
)


def constrained() -> Iterator[Chain]:
    """Names of hosts, addresses, mail and URIs, inside and outside; then the subject's own."""
    plain = link("root")
    for permitted, excluded, names, good in CONSTRAINED:
        both = {"permitted": permitted, "excluded": excluded}
        text = f"{permitted or ''} without {excluded or ''}: {names}"
        rooted = link("root", **both)  # type: ignore[arg-type]
        serves = names[0].startswith(("DNS", "IP"))
        usage = "server auth" if serves else "client auth"
        rest = {"names": names, "extended": ("server", "client")}
        middle = link("ca", by=plain, **both)  # type: ignore[arg-type]
        yield chain(f"ca {text}", good, plain, middle, leaf(middle, **rest), usage=usage)
        middle = link("ca", by=rooted)
        yield chain(f"root {text}", good, rooted, middle, leaf(middle, **rest), usage=usage)
    for permitted, excluded, subject, good in SUBJECTS:
        middle = link("ca", by=plain, permitted=permitted, excluded=excluded)
        text = f"{permitted or ''} without {excluded or ''}: {subject.rfc4514_string()}"
        end = leaf(middle, subject=subject, names=("DNS:api.wardle.svc",))
        yield chain(f"ca {text}", good, plain, middle, end)
    middle = link("ca", by=plain, permitted=("DNS:svc",))
    end = leaf(middle, subject=name_of("outside.example.com"), names=())
    yield chain("CN that looks like a host", True, plain, middle, end)


SUBJECTS: tuple[tuple[tuple[str, ...], tuple[str, ...], x509.Name, bool], ...] = (
    (("DN:O=k8s",), (), name_of("leaf", o="k8s"), True),
    (("DN:O=k8s",), (), name_of("leaf", o="K8S"), True),
    (("DN:O=k8s",), (), name_of("leaf", o="other"), False),
    (("DN:O=k8s",), (), name_of("leaf"), False),
    ((), ("DN:O=k8s",), name_of("leaf", o="k8s"), False),
    ((), ("DN:O=k8s",), name_of("leaf", o="other"), True),
    (("email:example.com",), (), name_of("leaf", email="a@other.com"), False),
    (("email:example.com",), (), name_of("leaf", email="a@example.com"), True),
    (("DNS:svc",), (), name_of("outside.example.com"), True),
)


def dated() -> Iterator[Chain]:
    """Each of the three is over, or has not begun."""
    late, early = {"until": NOW - dt.timedelta(hours=1)}, {"since": NOW + DAY}
    for name, dates in (("expired", late), ("not yet valid", early)):
        for place in range(3):
            each = [dates if place == i else {} for i in range(3)]
            root = link("root", **each[0])  # type: ignore[arg-type]
            middle = link("ca", by=root, **each[1])  # type: ignore[arg-type]
            end = leaf(middle, **each[2])
            yield chain(f"{name}: {('root', 'ca', 'leaf')[place]}", False, root, middle, end)


def used() -> Iterator[Chain]:
    """Extended usages of leaf and intermediate against what is wanted; then key usages."""
    root = link("root")
    choices = ((), ("server",), ("client",), ("server", "client"), ("any",))
    for above in choices:
        middle = link("ca", by=root, extended=above)
        for own in choices:
            end = leaf(middle, extended=own)
            for wanted in ("server", "client"):
                good = all(not e or wanted in e or "any" in e for e in (above, own))
                name = f"ca {above}, leaf {own}, wanted {wanted}"
                yield chain(name, good, root, middle, end, usage=f"{wanted} auth")
    middle = link("ca", by=root, usages=("crl_sign",))
    yield chain("ca without cert sign", False, root, middle, leaf(middle))
    middle = link("ca", by=root, ca=False)
    yield chain("ca is no authority", False, root, middle, leaf(middle))
    middle = link("ca", by=root)
    end = leaf(middle, usages=("content_commitment",))
    yield chain("leaf may only commit", False, root, middle, end)
    end = leaf(middle, usages=("key_encipherment",), extended=("client",))
    yield chain("client without signature", False, root, middle, end, usage="client auth")
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0")
    yield chain("leaf with strange", False, root, middle, leaf(middle, critical=strange))
    middle = link("ca", by=root, critical=strange)
    yield chain("ca with strange", False, root, middle, leaf(middle))


def crossed() -> Iterator[Chain]:
    """One authority, known by itself and through another root."""
    old, new = link("old root"), link("new root")
    cross = link("new root", key=new.key, by=old)
    stale = link("new root", key=new.key, by=old, until=NOW - dt.timedelta(hours=1))
    narrow = link("narrow root", pathlen=0)
    by_narrow = link("new root", key=new.key, by=narrow)
    middle = link("ca", by=new)
    end = leaf(middle)
    rows = (
        ("trusted itself", True, (middle,), (new,)),
        ("trusted through another", True, (middle, cross), (old,)),
        ("both ways", True, (middle, cross), (old, new)),
        ("the other way is stale", False, (middle, stale), (old,)),
        ("one way stale, one good", True, (stale, middle, cross), (old,)),
        ("stale way and own root", True, (stale, middle), (old, new)),
        ("the other root allows no depth", False, (middle, by_narrow), (narrow,)),
        ("no way at all", False, (middle,), (old,)),
        ("nothing between", False, (), (new,)),
        ("a stranger between", True, (middle, link("stranger", by=old)), (new,)),
    )
    for name, good, between, roots in rows:
        yield Chain(name=f"cross: {name}", good=good, leaf=end, between=between, roots=roots)


def family() -> tuple[Chain, ...]:
    return (*path_lengths(), *constrained(), *dated(), *used(), *crossed())
