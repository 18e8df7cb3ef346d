"""Names that are power: what Kubernetes believes of a certificate's names, found however they are
spelled.

kube-apiserver takes the CN for the user and every O for a group. `system:masters` bypasses every
authorization check; under `system:` Kubernetes names its own parts: nodes (`system:node:…` in
`system:nodes`), service accounts (`system:serviceaccount:…`), controllers (Kubernetes: "RBAC,
referring to subjects"; the CertificateSubjectRestriction admission plugin refuses the first for its
own client signer). kubeadm binds `kubeadm:cluster-admins` to cluster-admin since 1.29. The front
proxy's names (`--requestheader-allowed-names`) may say that anybody is asking.

Every value of every RDN counts, of any attribute, since Go reads multi-valued RDNs too; so do names
of other kinds. What only looks like such a name counts as well: it is there to deceive a person.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cryptography import x509

from aggportal.pki.errors import ReservedIdentity
from aggportal.pki.hosts import San
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MASTERS = "system:masters"
# Bound to cluster-admin by kubeadm since 1.29.
CLUSTER_ADMINS = "kubeadm:cluster-admins"
_PREFIX = "system:"
_RULERS = (MASTERS, CLUSTER_ADMINS)

# What Unicode's confusables lack, or what looks the same after folding case alone.
_MORE_LOOKALIKES = dict(
    zip(
        map(ord, "кмтвнгьτυνικχςҝ" + "։׃꞉∶ꓽːˑ·" + "‐‒–—−_"),
        "kmtbhrbtuvikxsk" + "::::::::" + "------",
        strict=True,
    )
)
# The same stroke in many typefaces: I, l, 1, | and i; O and 0; rn and m; vv and w.
_STROKES = str.maketrans("i1|!ı0", "lllllo")
_PAIRS = (("rn", "m"), ("vv", "w"))


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerName:
    """One value that stands for power; `attribute` is CN, O, a dotted OID, … or DNS, URI, email.

    `identity` is what it stands for: `system:masters`, `system:`, or a name of your own.
    """

    attribute: str
    value: str
    identity: str
    sentence: Sentence

    @property
    def rules(self) -> bool:
        """Tell whether it makes its holder a cluster administrator."""
        return self.identity in _RULERS

    @property
    def field(self) -> str:
        """The field of the request spec: CN, names or hosts."""
        if self.attribute in _SAN_LABELS.values():
            return "hosts"
        return "CN" if self.attribute == "CN" else "names"


def fold_name(value: str) -> str:
    """Reduce a text to what a person takes it for: compatibility forms, case, marks, blanks, what
    is invisible, and letters that look alike.
    """
    text = _decomposed(_decomposed(value).translate(_lookalikes()))
    for two, one in _PAIRS:
        text = text.replace(two, one)
    return text.translate(_STROKES)


def power_names(
    subject: x509.Name, sans: Iterable[San] = (), *, names: Iterable[str] = ()
) -> tuple[PowerName, ...]:
    """Find names that are power in a subject and alternative names; `names` adds exact ones of your
    own, such as the front proxy's.
    """
    return _found((*_attributes(subject), *_pairs(sans)), names)


def power_names_of(
    certificate: x509.Certificate, *, names: Iterable[str] = ()
) -> tuple[PowerName, ...]:
    """Find names that are power in what was signed: whatever a plan said, this is what counts."""
    return _found((*_attributes(certificate.subject), *_alternatives(certificate)), names)


def require_no_power_names(
    subject: x509.Name, sans: Iterable[San] = (), *, allow: bool = False, names: Iterable[str] = ()
) -> None:
    """Refuse names that are power, unless two people granted them (`allow`). Raises
    `ReservedIdentity`.
    """
    for finding in () if allow else power_names(subject, sans, names=names):
        raise refusal_of(finding)


def require_no_power(certificate: x509.Certificate, *, allow: bool = False) -> None:
    """Refuse what was signed as `require_no_power_names` does, before anybody gets it."""
    for finding in () if allow else power_names_of(certificate):
        raise refusal_of(finding)


def refusal_of(finding: PowerName) -> ReservedIdentity:
    """Return the refusal of one finding, beside the field that it is about."""
    return ReservedIdentity(finding.sentence.text, field=finding.field, **finding.sentence.params)


def _found(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> tuple[PowerName, ...]:
    own = {fold_name(name): name for name in names}
    found = ((pair, _identity(pair[1], own)) for pair in pairs)
    return tuple(_finding(*pair, identity) for pair, identity in found if identity)


def _attributes(subject: x509.Name) -> Iterator[tuple[str, str]]:
    for attribute in subject:
        yield attribute.rfc4514_attribute_name, _text(attribute.value)


def _pairs(sans: Iterable[San]) -> Iterator[tuple[str, str]]:
    for san in sans:
        if san.kind in _SAN_LABELS:
            yield _SAN_LABELS[san.kind], san.value


def _alternatives(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in names:
        if isinstance(name, x509.DirectoryName):
            yield from _attributes(name.value)
        elif isinstance(name, x509.OtherName):
            # A string in DER: tag and length come before it.
            yield "other name", _text(name.value[2:])
        elif isinstance(name, x509.DNSName | x509.RFC822Name | x509.UniformResourceIdentifier):
            yield _KINDS[type(name)], name.value


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _identity(value: str, own: Mapping[str, str]) -> str:
    """Return what a value stands for, empty where nothing."""
    # Some capitals have lookalikes that their small letters have not: both ways of reading count.
    readings = {fold_name(value), fold_name(value.translate(_lookalikes()))}
    for identity in _RULERS:
        if fold_name(identity) in readings:
            return identity
    if any(reading.startswith(fold_name(_PREFIX)) for reading in readings):
        return _PREFIX
    return next((own[reading] for reading in readings if reading in own), "")


def _finding(attribute: str, value: str, identity: str) -> PowerName:
    words = _RULES if identity in _RULERS else _PARTS if identity == _PREFIX else _OWN
    params = {"attribute": attribute, "value": value, "identity": identity}
    sentence = Sentence(text=words, params=params)
    return PowerName(attribute=attribute, value=value, identity=identity, sentence=sentence)


def _decomposed(value: str) -> str:
    """Compatibility forms and case folded (NFKC, NFKD); marks, blanks, control and format
    characters, unassigned ones too, left out.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", value).casefold())
    text = _INVISIBLE.sub("", text)
    return "".join(c for c in text if unicodedata.category(c)[0] not in "MZC")


@functools.cache
def _lookalikes() -> dict[int, str]:
    """Return Unicode's confusables (UTS #39) that look like ASCII, by code point; read once, at
    first use.
    """
    from confusable_homoglyphs import confusables  # 0.1 s that few need

    found: dict[int, str] = {}
    for character, alike in confusables.confusables_data.items():
        plain = next((one["c"] for one in alike if one["c"].isascii()), "")
        if len(character) == 1 and not character.isascii() and plain.strip():
            found[ord(character)] = plain.casefold()
    return _latin_letters() | found | _MORE_LOOKALIKES


def _latin_letters() -> dict[int, str]:
    """Return letters that Unicode names after a plain one: small capitals, strokes, hooks."""
    names = ((code, _LATIN.match(unicodedata.name(chr(code), ""))) for code in _LATIN_BLOCKS)
    return {code: name[1].casefold() for code, name in names if name}


_LATIN = re.compile(
    r"LATIN (?:SMALL LETTER|CAPITAL LETTER|LETTER SMALL CAPITAL) ([A-Z])(?: WITH .*)?$"
)
_LATIN_BLOCKS = (
    *range(0x80, 0x2B0),
    *range(0x1D00, 0x1DC0),
    *range(0x1E00, 0x1F00),
    *range(0x2C60, 0x2C80),
    *range(0xA720, 0xA800),
    *range(0xAB30, 0xAB70),
)
# Hangul fillers and the like: letters by category, yet nothing is seen (Default_Ignorable).
_INVISIBLE = re.compile("[\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800]")
_SAN_LABELS = {"dns": "DNS", "uri": "URI", "email": "email"}
_KINDS = {
    x509.DNSName: "DNS",
    x509.RFC822Name: "email",
    x509.UniformResourceIdentifier: "URI",
}
_RULES = _n(
    "%(attribute)s=%(value)s stands for %(identity)s: whoever holds this key rules every cluster "
    "that trusts the authority, and no permission can stop them."
)
_PARTS = _n(
    "%(attribute)s=%(value)s lies under %(identity)s, where Kubernetes names its own parts."
)
_OWN = _n("%(attribute)s=%(value)s stands for %(identity)s, which is reserved.")
