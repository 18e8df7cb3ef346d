"""What one X.509 extension says, in words and names; an unknown one as hex."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from aggportal.pki.asn1text import oid_name
from aggportal.pki.extension_names import meaning_of_extension, name_of_extension
from aggportal.pki.inspected import ExtensionWords, Value
from aggportal.pki.names import format_subject
from aggportal.pki.usages import EXTENDED_KEY_USAGES, KEY_USAGES
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_VALUES = 200  # names, points or policies shown of one extension
MAX_HEX_BYTES = 1024
_USAGES = {oid.dotted_string: name for name, oid in EXTENDED_KEY_USAGES.items()}
_REASONS = {
    x509.ReasonFlags.unspecified: _n("no reason given"),
    x509.ReasonFlags.key_compromise: _n("its key became known to others"),
    x509.ReasonFlags.ca_compromise: _n("the authority's key became known to others"),
    x509.ReasonFlags.affiliation_changed: _n("the owner belongs elsewhere now"),
    x509.ReasonFlags.superseded: _n("it was replaced"),
    x509.ReasonFlags.cessation_of_operation: _n("it is no longer in use"),
    x509.ReasonFlags.certificate_hold: _n("it is on hold and may come back"),
    x509.ReasonFlags.privilege_withdrawn: _n("a right in it was withdrawn"),
    x509.ReasonFlags.aa_compromise: _n("the attribute authority's key became known to others"),
    x509.ReasonFlags.remove_from_crl: _n("it is no longer on hold"),
}


def explain_extensions(extensions: x509.Extensions) -> tuple[ExtensionWords, ...]:
    """Explain every extension, in encoded order. Raises any of `LIBRARY_ERRORS`."""
    return tuple(_explained(extension) for extension in extensions)


def _explained(extension: x509.Extension[x509.ExtensionType]) -> ExtensionWords:
    oid, value = extension.oid.dotted_string, extension.value
    name = name_of_extension(oid)
    values = tuple(_values(value))
    shown = values[:MAX_VALUES]
    if len(values) > MAX_VALUES:
        text = _n("… and %(count)d more")
        shown += (Sentence(text=text, params={"count": len(values) - MAX_VALUES}),)
    return ExtensionWords(
        name=name or oid_name(oid) or oid,
        oid=oid,
        critical=extension.critical,
        values=shown,
        meaning=meaning_of_extension(oid),
        known=name is not None and not isinstance(value, x509.UnrecognizedExtension),
    )


def _values(value: x509.ExtensionType) -> Iterable[Value]:
    reader = _READERS.get(type(value))
    return reader(value) if reader else _hex(value)


def general_name(name: x509.GeneralName) -> str:
    """Write one name with its kind: `DNS a.example`, `IP 10.0.0.1`."""
    match name:
        case x509.DNSName():
            return f"DNS {name.value}"
        case x509.IPAddress():
            return f"IP {name.value}"
        case x509.RFC822Name():
            return f"email {name.value}"
        case x509.UniformResourceIdentifier():
            return f"URI {name.value}"
        case x509.DirectoryName():
            return f"DN {format_subject(name.value)}"
        case x509.RegisteredID():
            return f"OID {name.value.dotted_string}"
        case x509.OtherName():
            return f"{name.type_id.dotted_string} {name.value.hex()}"
    return str(name)


def reason_words(reason: x509.ReasonFlags) -> Sentence:
    """Say a revocation's reason."""
    return Sentence(text=_REASONS[reason])


def _names(value: Iterable[x509.GeneralName]) -> Iterator[Value]:
    return map(general_name, value)


def _basic_constraints(value: x509.BasicConstraints) -> Iterator[Value]:
    if not value.ca:
        yield Sentence(text=_n("It is no authority: it may sign no certificates."))
    elif value.path_length is None:
        yield Sentence(text=_n("It is an authority, with any number of authorities below it."))
    elif value.path_length == 0:
        yield Sentence(text=_n("It is an authority for end certificates only (path length 0)."))
    else:
        yield Sentence(
            text=_n("It is an authority, with at most %(count)d levels of authorities below it."),
            params={"count": value.path_length},
        )


def key_usage_names(value: x509.KeyUsage) -> Iterator[str]:
    """Yield cfssl's names. Without key agreement the two "only" bits mean nothing and raise."""
    for name, keyword in KEY_USAGES.items():
        if (value.key_agreement or not name.endswith(" only")) and getattr(value, keyword):
            yield name


def _extended_usages(value: x509.ExtendedKeyUsage) -> Iterator[Value]:
    for usage in value:
        oid = usage.dotted_string
        name = _USAGES.get(oid) or oid_name(oid)
        yield f"{name} ({oid})" if name else oid


def _authority_key(value: x509.AuthorityKeyIdentifier) -> Iterator[Value]:
    if value.key_identifier is not None:
        yield value.key_identifier.hex(":")
    yield from _names(value.authority_cert_issuer or ())
    if value.authority_cert_serial_number is not None:
        params = {"serial": f"{value.authority_cert_serial_number:x}"}
        yield Sentence(text=_n("issuer's serial %(serial)s"), params=params)


def _accesses(value: Iterable[x509.AccessDescription]) -> Iterator[Value]:
    methods = {
        AuthorityInformationAccessOID.OCSP: "OCSP",
        AuthorityInformationAccessOID.CA_ISSUERS: "CA issuers",
    }
    for access in value:
        method = methods.get(access.access_method, access.access_method.dotted_string)
        yield f"{method}: {general_name(access.access_location)}"


def _points(value: Iterable[x509.DistributionPoint]) -> Iterator[Value]:
    for point in value:
        yield from _names(point.full_name or ())
        if point.relative_name is not None:
            yield format_subject(x509.Name([point.relative_name]))
        for name in point.crl_issuer or ():
            params = {"name": general_name(name)}
            yield Sentence(text=_n("the list is signed by %(name)s"), params=params)
        for reason in sorted(point.reasons or (), key=lambda flag: flag.value):
            yield reason_words(reason)


def _policies(value: x509.CertificatePolicies) -> Iterator[Value]:
    for policy in value:
        oid = policy.policy_identifier.dotted_string
        yield f"{oid} ({oid_name(oid)})" if oid_name(oid) else oid
        for qualifier in policy.policy_qualifiers or ():
            if isinstance(qualifier, str):
                yield f"CPS {qualifier}"
            elif qualifier.explicit_text:
                yield qualifier.explicit_text


def _name_constraints(value: x509.NameConstraints) -> Iterator[Value]:
    for name in value.permitted_subtrees or ():
        yield Sentence(text=_n("only %(name)s"), params={"name": general_name(name)})
    for name in value.excluded_subtrees or ():
        yield Sentence(text=_n("never %(name)s"), params={"name": general_name(name)})


def _policy_constraints(value: x509.PolicyConstraints) -> Iterator[Value]:
    if value.require_explicit_policy is not None:
        text = _n("a policy must be named %(count)d levels below")
        yield Sentence(text=text, params={"count": value.require_explicit_policy})
    if value.inhibit_policy_mapping is not None:
        text = _n("policies are not mapped %(count)d levels below")
        yield Sentence(text=text, params={"count": value.inhibit_policy_mapping})


def _period(value: x509.PrivateKeyUsagePeriod) -> Iterator[Value]:
    for text, moment in (
        (_n("from %(when)s"), value.not_before),
        (_n("to %(when)s"), value.not_after),
    ):
        if moment is not None:
            yield Sentence(text=text, params={"when": f"{moment:%Y-%m-%d %H:%M}"})


def _timestamps(value: Iterable[Any]) -> Iterator[Value]:
    for stamp in value:
        params = {"log": stamp.log_id.hex(), "when": f"{stamp.timestamp:%Y-%m-%d %H:%M}"}
        yield Sentence(text=_n("log %(log)s at %(when)s"), params=params)


def _scope(value: x509.IssuingDistributionPoint) -> Iterator[Value]:
    yield from _names(value.full_name or ())
    if value.relative_name is not None:
        yield format_subject(x509.Name([value.relative_name]))
    for holds, text in (
        (value.only_contains_user_certs, _n("end certificates only")),
        (value.only_contains_ca_certs, _n("authorities only")),
        (value.only_contains_attribute_certs, _n("attribute certificates only")),
        (value.indirect_crl, _n("also certificates of other issuers")),
    ):
        if holds:
            yield Sentence(text=text)
    for reason in sorted(value.only_some_reasons or (), key=lambda flag: flag.value):
        yield reason_words(reason)


def _template(value: x509.MSCertificateTemplate) -> Iterator[Value]:
    versions = [str(n) for n in (value.major_version, value.minor_version) if n is not None]
    yield " ".join([value.template_id.dotted_string, ".".join(versions)]).strip()


def _hex(value: x509.ExtensionType) -> Iterator[Value]:
    """Show what nobody here can put into words as it is encoded."""
    raw = value.public_bytes()
    yield raw[:MAX_HEX_BYTES].hex(":")
    if len(raw) > MAX_HEX_BYTES:
        text = _n("… and %(count)d more bytes")
        yield Sentence(text=text, params={"count": len(raw) - MAX_HEX_BYTES})


_READERS: dict[type[x509.ExtensionType], Callable[[Any], Iterable[Value]]] = {
    x509.SubjectAlternativeName: _names,
    x509.IssuerAlternativeName: _names,
    x509.CertificateIssuer: _names,
    x509.BasicConstraints: _basic_constraints,
    x509.KeyUsage: key_usage_names,
    x509.ExtendedKeyUsage: _extended_usages,
    x509.SubjectKeyIdentifier: lambda value: [value.digest.hex(":")],
    x509.AuthorityKeyIdentifier: _authority_key,
    x509.AuthorityInformationAccess: _accesses,
    x509.SubjectInformationAccess: _accesses,
    x509.CRLDistributionPoints: _points,
    x509.FreshestCRL: _points,
    x509.CertificatePolicies: _policies,
    x509.NameConstraints: _name_constraints,
    x509.PolicyConstraints: _policy_constraints,
    x509.InhibitAnyPolicy: lambda value: [str(value.skip_certs)],
    x509.PrivateKeyUsagePeriod: _period,
    x509.TLSFeature: lambda value: [feature.name.replace("_", " ") for feature in value],
    x509.OCSPNoCheck: lambda _value: [Sentence(text=_n("yes"))],
    x509.PrecertPoison: lambda _value: [Sentence(text=_n("yes"))],
    x509.PrecertificateSignedCertificateTimestamps: _timestamps,
    x509.SignedCertificateTimestamps: _timestamps,
    x509.MSCertificateTemplate: _template,
    x509.CRLNumber: lambda value: [str(value.crl_number)],
    x509.DeltaCRLIndicator: lambda value: [str(value.crl_number)],
    x509.CRLReason: lambda value: [reason_words(value.reason)],
    x509.InvalidityDate: lambda value: [f"{value.invalidity_date_utc:%Y-%m-%d %H:%M}"],
    x509.IssuingDistributionPoint: _scope,
}
