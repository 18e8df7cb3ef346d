"""What each X.509 extension is called and what it is for: RFC 5280 sections 4.2 and 5.2, and the
RFCs named beside the others.
"""

from __future__ import annotations

from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


def _says(text: str) -> Sentence:
    return Sentence(text=text)


_X = ExtensionOID
# OID → (name, what it is for).
_ABOUT: dict[str, tuple[str, str]] = {
    _X.SUBJECT_ALTERNATIVE_NAME.dotted_string: (
        _n("Subject alternative names"),
        _n("The names a client compares with the address it connected to; the CN does not count."),
    ),
    _X.ISSUER_ALTERNATIVE_NAME.dotted_string: (
        _n("Issuer alternative names"),
        _n("Other names of who signed. Programs do not use them."),
    ),
    _X.BASIC_CONSTRAINTS.dotted_string: (
        _n("Basic constraints"),
        _n("Whether this is an authority that may sign certificates, and how many below it."),
    ),
    _X.KEY_USAGE.dotted_string: (
        _n("Key usage"),
        _n("What the key may do; a program refuses what is not listed."),
    ),
    _X.EXTENDED_KEY_USAGE.dotted_string: (
        _n("Extended key usage"),
        _n("What the certificate may be shown for: to serve, to sign in as a client, …"),
    ),
    _X.SUBJECT_KEY_IDENTIFIER.dotted_string: (
        _n("Subject key identifier"),
        _n("A short name of its own key, by which issued certificates find their issuer."),
    ),
    _X.AUTHORITY_KEY_IDENTIFIER.dotted_string: (
        _n("Authority key identifier"),
        _n("Which key signed; it tells authorities of equal names apart."),
    ),
    _X.AUTHORITY_INFORMATION_ACCESS.dotted_string: (
        _n("Authority information access"),
        _n("Where to ask whether it is revoked (OCSP) and to fetch the issuer's certificate."),
    ),
    _X.SUBJECT_INFORMATION_ACCESS.dotted_string: (
        _n("Subject information access"),
        _n("Where the owner publishes more, as time stamps or repositories."),
    ),
    _X.CRL_DISTRIBUTION_POINTS.dotted_string: (
        _n("CRL distribution points"),
        _n("Where the list of revoked certificates can be fetched."),
    ),
    _X.FRESHEST_CRL.dotted_string: (
        _n("Freshest CRL"),
        _n("Where the changes since the last full revocation list can be fetched."),
    ),
    _X.CERTIFICATE_POLICIES.dotted_string: (
        _n("Certificate policies"),
        _n("Under which rules it was issued, as identifiers that the issuer explains elsewhere."),
    ),
    _X.POLICY_MAPPINGS.dotted_string: (
        _n("Policy mappings"),
        _n("Which policies of another authority count as which of its own."),
    ),
    _X.POLICY_CONSTRAINTS.dotted_string: (
        _n("Policy constraints"),
        _n("From which depth below a policy must be named."),
    ),
    _X.INHIBIT_ANY_POLICY.dotted_string: (
        _n("Inhibit any policy"),
        _n("From which depth below “any policy” no longer counts."),
    ),
    _X.NAME_CONSTRAINTS.dotted_string: (
        _n("Name constraints"),
        _n("For which names this authority may issue, and for which it may not."),
    ),
    _X.PRIVATE_KEY_USAGE_PERIOD.dotted_string: (
        _n("Private key usage period"),
        _n("When the key may sign; the certificate itself may be valid longer (RFC 3280)."),
    ),
    _X.TLS_FEATURE.dotted_string: (
        _n("TLS feature"),
        _n(
            "What a server must do in the handshake; “must staple” wants an OCSP answer (RFC 7633)."
        ),
    ),
    _X.OCSP_NO_CHECK.dotted_string: (
        _n("OCSP no check"),
        _n("It signs OCSP answers, and whether it is revoked itself is not asked (RFC 6960)."),
    ),
    _X.PRECERT_POISON.dotted_string: (
        _n("Precertificate poison"),
        _n("It was made for a transparency log only and no program may trust it (RFC 6962)."),
    ),
    _X.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS.dotted_string: (
        _n("Signed certificate timestamps"),
        _n("Promises of public logs to list this certificate (RFC 6962)."),
    ),
    _X.SIGNED_CERTIFICATE_TIMESTAMPS.dotted_string: (
        _n("Signed certificate timestamps"),
        _n("Promises of public logs to list this certificate (RFC 6962)."),
    ),
    _X.MS_CERTIFICATE_TEMPLATE.dotted_string: (
        _n("Microsoft certificate template"),
        _n("From which template of Active Directory it was made."),
    ),
    _X.ADMISSIONS.dotted_string: (
        _n("Admissions"),
        _n("Which professions the owner is admitted to (Common PKI)."),
    ),
    _X.CRL_NUMBER.dotted_string: (
        _n("CRL number"),
        _n("It rises with every list, so that an older one is known as older."),
    ),
    _X.DELTA_CRL_INDICATOR.dotted_string: (
        _n("Delta CRL indicator"),
        _n("The list holds only the changes since the full list of this number."),
    ),
    _X.ISSUING_DISTRIBUTION_POINT.dotted_string: (
        _n("Issuing distribution point"),
        _n("Which part of all revocations the list covers."),
    ),
    CRLEntryExtensionOID.CRL_REASON.dotted_string: (_n("Reason"), _n("Why it was revoked.")),
    CRLEntryExtensionOID.INVALIDITY_DATE.dotted_string: (
        _n("Invalidity date"),
        _n("Since when the key is thought to be known to others."),
    ),
    CRLEntryExtensionOID.CERTIFICATE_ISSUER.dotted_string: (
        _n("Certificate issuer"),
        _n("Who issued the revoked certificate, where the list speaks for others."),
    ),
    "1.3.6.1.4.1.44363.44": (
        _n("Delegated credentials"),
        _n("The owner may sign short-lived keys for itself (RFC 9345)."),
    ),
    "2.16.840.1.113730.1.1": (
        _n("Netscape certificate type"),
        _n("An old way to say what the certificate is for. Programs no longer look at it."),
    ),
    "2.16.840.1.113730.1.13": (
        _n("Netscape comment"),
        _n("A remark of the program that made it. It means nothing."),
    ),
}


def name_of_extension(oid: str) -> Sentence | None:
    """Return what the extension is called; None when it is not known here."""
    return _says(_ABOUT[oid][0]) if oid in _ABOUT else None


def meaning_of_extension(oid: str) -> Sentence | None:
    """Return what the extension is for; None when it is not known here."""
    return _says(_ABOUT[oid][1]) if oid in _ABOUT else None
