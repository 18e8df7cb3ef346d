"""Renewing: what to begin with for a leaf, and an authority's own certificate with new dates.

cfssl renews an authority (`gencert -renewca`) by reading its certificate back into a CSR JSON and
making a new authority of it: extensions that it does not know are lost, so are names of hosts, and
an intermediate comes out signed by itself. Strict mode keeps everything but serial and dates; see
`renewed_authority`. Whatever was signed before verifies under either as long as the subject and the
key identifier stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from cryptography import x509

from aggportal.pki.csrplanning import subject_spec
from aggportal.pki.errors import InvalidCertificate, InvalidKey, KeyMismatch, NotAnAuthority
from aggportal.pki.facts import LIBRARY_ERRORS, extension_of, san_pairs
from aggportal.pki.hosts import SAN_ORDER
from aggportal.pki.issuers import encode_name, issuer_of, key_identifier
from aggportal.pki.issuing import new_serial, plan_authority, sign_certificate
from aggportal.pki.keys import (
    PrivateKey,
    PublicKey,
    hash_algorithm,
    key_spec_of,
    require_allowed_key,
    signature_hash_for,
    spki_sha256,
)
from aggportal.pki.plans import CertificatePlan, Validity
from aggportal.pki.powernames import require_no_power
from aggportal.pki.rules import require_within_issuer
from aggportal.pki.specs import CaSpec, NameEntry, RequestSpec
from aggportal.pki.validities import checked_validity, not_before
from aggportal.words import gettext_noop as _n

_LISTS = {
    x509.NameOID.COUNTRY_NAME: "country",
    x509.NameOID.STATE_OR_PROVINCE_NAME: "state",
    x509.NameOID.LOCALITY_NAME: "locality",
    x509.NameOID.ORGANIZATION_NAME: "organization",
    x509.NameOID.ORGANIZATIONAL_UNIT_NAME: "organizational_unit",
}
# cfssl's order of hosts when it reads them back from a certificate.
_CFSSL_ORDER = ("ip", "dns", "email", "uri")

_ASKED_AGAIN = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.SubjectKeyIdentifier,
    x509.NameConstraints,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDates:
    """When the renewed certificate begins and how long it lives; None is as long as before."""

    now: dt.datetime
    life: dt.timedelta | None = None


def request_spec_of_certificate(certificate: x509.Certificate) -> RequestSpec:
    """Say in cfssl's CSR JSON what a certificate has, as far as that can: names of kinds that cfssl
    does not know are left out. Raises `InvalidKey` for a key that we would not make.
    """
    names = extension_of(certificate, x509.SubjectAlternativeName)
    return replace(
        subject_spec(certificate.subject),
        hosts=tuple(value for kind, value in san_pairs(names) if kind in SAN_ORDER),
        key=key_spec_of(public_key_of(certificate)),
    )


def public_key_of(certificate: x509.Certificate) -> PublicKey:
    """Return the public key, of a kind that we certify. Raises `InvalidKey`."""
    try:
        key = certificate.public_key()
    except LIBRARY_ERRORS as error:
        raise InvalidKey(_n("The certificate's key cannot be read.")) from error
    return require_allowed_key(key)


def plan_as_cfssl(certificate: x509.Certificate, *, now: dt.datetime) -> CertificatePlan:
    """Plan what `cfssl gencert -renewca` makes of an authority's certificate: signed by itself,
    whoever signed it before; as long a life from now; what cfssl does not know left out.
    """
    _require_authority(certificate)
    plan = plan_authority(_cfssl_spec(certificate), now=now, compat=True)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    begin = plan.validity.not_before
    return replace(plan, validity=checked_validity(begin, begin + life))


def renew_as_cfssl(
    certificate: x509.Certificate, *, key: PrivateKey, now: dt.datetime
) -> x509.Certificate:
    """Do as `cfssl gencert -renewca`. Raises `KeyMismatch`, `NotAnAuthority`."""
    plan = plan_as_cfssl(certificate, now=now)
    _require_own_key(certificate, key)
    return sign_certificate(plan, public_key=public_key_of(certificate), issuer_key=key)


def renewed_dates(
    certificate: x509.Certificate, dates: NewDates, *, issuer: x509.Certificate | None
) -> Validity:
    """Return the dates that a renewal gives. Signed by another authority it ends no later than that
    one. Raises `OutlivesIssuer` where the issuer itself has ended, and `InvalidField`.
    """
    before = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    begin = not_before(dates.now, "", field="ca.backdate")
    validity = checked_validity(begin, begin + (dates.life or before))
    if issuer is None:
        return validity
    above = issuer_of(issuer).validity
    begin = max(begin, above.not_before)
    if begin < above.not_after < validity.not_after:
        validity = Validity(not_before=begin, not_after=above.not_after)
    validity = replace(validity, not_before=begin)
    require_within_issuer(validity, issuer=above)
    return validity


def renewed_authority(
    certificate: x509.Certificate,
    *,
    dates: NewDates,
    signer: PrivateKey,
    issuer: x509.Certificate | None = None,
    serial: int | None = None,
) -> x509.Certificate:
    """Sign an authority's certificate anew: same key, subject and extensions in the same order, new
    serial and dates.

    `issuer` is the certificate of the authority above, None for one that signed itself; `signer`
    that one's key. Raises `NotAnAuthority`, `KeyMismatch`, `OutlivesIssuer`, `InvalidCertificate`,
    and `ReservedIdentity` for a subject that is power.
    """
    _require_authority(certificate)
    above = issuer or certificate
    _require_own_key(above, signer)
    if encode_name(above.subject) != encode_name(certificate.issuer):
        raise KeyMismatch(_n("The authority above has another subject than the issuer had."))
    number = serial or new_serial()
    validity = renewed_dates(certificate, dates, issuer=issuer)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(above.subject)
        .serial_number(number)
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .public_key(public_key_of(certificate))
    )
    for extension in certificate.extensions:
        value = _kept(extension.value, above=above, serial=number if issuer is None else None)
        builder = builder.add_extension(value, extension.critical)
    renewed = builder.sign(signer, hash_algorithm(signature_hash_for(key_spec_of(_public(signer)))))
    _require_same_name(certificate, renewed)
    require_no_power(renewed)
    return renewed


def require_same_authority(renewed: x509.Certificate, *, earlier: x509.Certificate) -> None:
    """Refuse a certificate from outside that is not the authority's own with new dates: what was
    signed before would not verify under it.

    Raises `KeyMismatch`, `NotAnAuthority`, `InvalidCertificate`.
    """
    _require_authority(renewed)
    if spki_sha256(public_key_of(renewed)) != spki_sha256(public_key_of(earlier)):
        raise KeyMismatch(
            _n("The certificate is for another key than the authority's. Send the request below."),
            field="certificate",
        )
    if encode_name(renewed.subject) != encode_name(earlier.subject):
        raise InvalidCertificate(
            _n(
                "The subject is another one, so nothing that the authority issued would verify "
                "under this certificate. Ask for the very same subject."
            ),
            field="certificate",
        )
    if key_identifier_of(renewed) != key_identifier_of(earlier):
        raise InvalidCertificate(
            _n(
                "The subject key identifier is another one: what the authority issued names the "
                "earlier one as its issuer's key, and OpenSSL would look for that."
            ),
            field="certificate",
        )


def renewal_request(
    certificate: x509.Certificate, *, key: PrivateKey
) -> x509.CertificateSigningRequest:
    """Ask an outside CA for the very same authority: its subject as it is encoded, its basic
    constraints, key usage, key identifier and name constraints. Raises `KeyMismatch`.
    """
    _require_authority(certificate)
    _require_own_key(certificate, key)
    builder = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject)
    for extension in certificate.extensions:
        if isinstance(extension.value, _ASKED_AGAIN):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hash_algorithm(signature_hash_for(key_spec_of(_public(key)))))


def names_issuers_serial(certificate: x509.Certificate) -> bool:
    """Tell whether the authority key identifier names the issuer by name and serial, as OpenSSL's
    `authorityKeyIdentifier = keyid,issuer` writes it. What is signed in the same manner stays bound
    to the issuer's earlier certificate.
    """
    found = extension_of(certificate, x509.AuthorityKeyIdentifier)
    return found is not None and found.authority_cert_serial_number is not None


def key_identifier_of(certificate: x509.Certificate) -> bytes:
    """Return the subject key identifier, computed where the certificate names none."""
    found = extension_of(certificate, x509.SubjectKeyIdentifier)
    return found.digest if found else key_identifier(public_key_of(certificate))


def _kept(
    value: x509.ExtensionType, *, above: x509.Certificate, serial: int | None
) -> x509.ExtensionType:
    """Keep an extension, save an authority key identifier that names the issuer's serial: that is
    another one now.
    """
    if not isinstance(value, x509.AuthorityKeyIdentifier) or value.authority_cert_issuer is None:
        return value
    return x509.AuthorityKeyIdentifier(
        value.key_identifier, value.authority_cert_issuer, serial or above.serial_number
    )


def _require_authority(certificate: x509.Certificate) -> None:
    constraints = extension_of(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise NotAnAuthority(_n("This is not an authority's certificate."), field="certificate")


def _require_own_key(certificate: x509.Certificate, key: PrivateKey) -> None:
    if spki_sha256(_public(key)) != spki_sha256(public_key_of(certificate)):
        raise KeyMismatch(_n("The signing key is not the authority's."))


def _public(key: PrivateKey) -> PublicKey:
    return require_allowed_key(key.public_key())


def _require_same_name(earlier: x509.Certificate, renewed: x509.Certificate) -> None:
    if encode_name(earlier.subject) == encode_name(renewed.subject):
        return
    raise InvalidCertificate(
        _n(
            "The subject is encoded in a way that would change, and what the authority issued "
            "would not verify any more. Make a new authority beside it instead."
        )
    )


def _cfssl_spec(certificate: x509.Certificate) -> RequestSpec:
    """Read a certificate as cfssl's csr.ExtractCertificateRequest does."""
    spec = subject_spec(certificate.subject)
    lists: dict[str, list[str]] = {name: [] for name in _LISTS.values()}
    for attribute in certificate.subject:
        if attribute.oid in _LISTS and isinstance(attribute.value, str):
            lists[_LISTS[attribute.oid]].append(attribute.value)
    count = max(map(len, lists.values()))
    entries = tuple(
        NameEntry(**{name: values[i] for name, values in lists.items() if i < len(values)})  # type: ignore[arg-type]  # text fields alone
        for i in range(count)
    )
    pairs = san_pairs(extension_of(certificate, x509.SubjectAlternativeName))
    constraints = extension_of(certificate, x509.BasicConstraints)
    length = constraints.path_length if constraints else None
    return RequestSpec(
        common_name=spec.common_name,
        hosts=tuple(value for kind in _CFSSL_ORDER for found, value in pairs if found == kind),
        key=key_spec_of(public_key_of(certificate)),
        names=entries,
        ca=CaSpec(pathlen=length or 0, pathlenzero=length == 0),
        serial_number=spec.serial_number,
    )
