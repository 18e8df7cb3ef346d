"""cfssl's CSR JSON into a `RequestSpec` and back: all problems at once, each under its path.

`strict` holds texts to RFC 5280's upper bounds (appendix A.1), hosts to what a verifier can match,
and asks for a subject. Without it (`compat`) cfssl's own laxness passes, save what no certificate
can carry.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping

from aggportal.pki.constraints import MAX_CONSTRAINTS, dump_constraints, load_constraints
from aggportal.pki.durations import parse_duration, parse_positive_duration
from aggportal.pki.errors import (
    InvalidDuration,
    InvalidField,
    InvalidHost,
    MissingSubject,
    PkiError,
    require_no_problems,
)
from aggportal.pki.fields import Reader, text_problem
from aggportal.pki.hosts import MAX_HOSTS, classify_host, is_mail
from aggportal.pki.jsontext import parse_json
from aggportal.pki.keys import KeySpec, require_key_spec
from aggportal.pki.names import RESERVED_OIDS, encoding_problem
from aggportal.pki.oids import oid_problem
from aggportal.pki.specs import (
    NAME_KEYS,
    CaSpec,
    NameEntry,
    RequestedExtension,
    RequestSpec,
    has_subject,
)
from aggportal.pki.subtrees import NameConstraints
from aggportal.pki.urls import url_problem
from aggportal.words import gettext_noop as _n

__all__ = [
    "CaSpec",
    "NameEntry",
    "RequestSpec",
    "RequestedExtension",
    "dump_request_spec",
    "load_request_spec",
    "parse_request_spec",
]

MAX_NAMES = 20
MAX_EXTENSIONS = 20
MAX_PATHLEN = 255
# RFC 5280 appendix A.1 upper bounds in characters; X.520 for street and postal code.
UPPER_BOUNDS: dict[str, int] = {
    "CN": 64,
    "ST": 128,
    "L": 128,
    "O": 64,
    "OU": 64,
    "E": 255,
    "serialnumber": 64,
    "SerialNumber": 64,
    "OID": 128,
}
_COMPAT_BOUND = 1024
# Extensions that the CSR gets from other keys.
RESERVED_EXTENSIONS: dict[str, str] = {
    "2.5.29.17": "hosts",
    "2.5.29.19": "ca",
    "1.3.6.1.4.1.44363.44": "delegation_enabled",
}


def parse_request_spec(text: str, *, strict: bool = True) -> RequestSpec:
    """Read CSR JSON. Raises `InvalidJson`, or `InvalidFields` with every problem."""
    return load_request_spec(parse_json(text), strict=strict)


def load_request_spec(document: Mapping[str, object], *, strict: bool = True) -> RequestSpec:
    """Read a decoded CSR JSON. Raises `InvalidFields` with every problem."""
    problems: list[PkiError] = []
    spec = _RequestReader(document, problems, strict).read()
    if strict and not problems and not spec.common_name.strip() and not has_subject(spec):
        words = _n(
            "Give a CN, or at least one of C, ST, L, O, OU in names: a certificate needs a subject."
        )
        problems.append(MissingSubject(words, field="CN"))
    require_no_problems(problems)
    return spec


def dump_request_spec(spec: RequestSpec) -> dict[str, object]:
    """Write as CSR JSON, keys in the order of `cfssl print-defaults csr`, without empty ones."""
    document: dict[str, object] = {
        "CN": spec.common_name,
        "hosts": list(spec.hosts),
        "key": _dump_key(spec.key),
        "names": [_dump_name(entry) for entry in spec.names],
        "ca": _dump_ca(spec.ca) if spec.ca else None,
        "serialnumber": spec.serial_number,
        "delegation_enabled": spec.delegation_enabled,
        "extensions": [_dump_extension(extension) for extension in spec.extensions],
        "crl_url": spec.crl_url,
    }
    return {k: v for k, v in document.items() if v or (k == "ca" and v is not None)}


def _dump_key(key: KeySpec) -> dict[str, object]:
    return {"algo": key.algo, "size": key.size} if key.size else {"algo": key.algo}


def _dump_name(entry: NameEntry) -> dict[str, object]:
    document: dict[str, object] = {
        key: value for key, name in NAME_KEYS.items() if (value := getattr(entry, name))
    }
    return document | ({"OID": dict(entry.oid)} if entry.oid else {})


def _dump_ca(ca: CaSpec) -> dict[str, object]:
    document: Mapping[str, object] = {
        "expiry": ca.expiry,
        "backdate": ca.backdate,
        "pathlen": ca.pathlen,
        "pathlenzero": ca.pathlenzero,
        "name_constraints": dump_constraints(ca.name_constraints),
    }
    return {k: v for k, v in document.items() if v}


def _dump_extension(extension: RequestedExtension) -> dict[str, object]:
    return {
        "Id": [int(arc) for arc in extension.oid.split(".")],
        "Critical": extension.critical,
        "Value": b64encode(extension.value).decode("ascii"),
    }


class _RequestReader:
    """The reading of one document; gathers problems and unknown keys on its way."""

    def __init__(
        self, document: Mapping[str, object], problems: list[PkiError], strict: bool
    ) -> None:
        self.top = Reader(document, path="", problems=problems)
        self.problems = problems
        self.strict = strict
        self.unknown: list[str] = []

    def read(self) -> RequestSpec:
        common_name = self.bounded(self.top, "CN")
        hosts = self.hosts()
        key = self.key()
        names = tuple(self.name(reader) for reader in self.top.inners("names", limit=MAX_NAMES))
        ca = self.ca()
        serial_number = self.bounded(self.top, "serialnumber")
        crl_url = self.top.text("crl_url")
        self.note(url_problem(crl_url, field="crl_url"))
        delegation_enabled = self.top.boolean("delegation_enabled")
        readers = self.top.inners("extensions", limit=MAX_EXTENSIONS)
        extensions = tuple(e for reader in readers if (e := self.extension(reader)))
        if len({extension.oid for extension in extensions}) < len(extensions):
            self.top.refuse("extensions", _n("An extension stands here twice."))
        return RequestSpec(
            common_name=common_name,
            hosts=hosts,
            key=key,
            names=names,
            ca=ca,
            serial_number=serial_number,
            crl_url=crl_url,
            delegation_enabled=delegation_enabled,
            extensions=extensions,
            unknown=(*self.top.unknown(), *self.unknown),
        )

    def note(self, problem: PkiError | None) -> None:
        if problem:
            self.problems.append(problem)

    def bounded(self, reader: Reader, key: str) -> str:
        """Return a text within its upper bound."""
        text = reader.text(key)
        limit = UPPER_BOUNDS[key] if self.strict else _COMPAT_BOUND
        if len(text) > limit:
            words = _n(
                "This is %(length)d characters long; at most %(limit)d are allowed (RFC 5280)."
            )
            reader.refuse(key, words, length=len(text), limit=limit)
        if self.strict and text != text.strip():
            reader.refuse(key, _n("Remove the spaces at the beginning or end."))
        self.check_encoding(reader, key, text)
        return text

    def check_encoding(self, reader: Reader, key: str, text: str) -> None:
        """Refuse what cfssl would write in a kind of string that the attribute does not allow."""
        allowed = encoding_problem(key, text) if self.strict else ""
        if allowed == "ASCII":
            reader.refuse(key, _n("Only ASCII characters can stand here (RFC 5280)."))
        elif allowed:
            words = _n(
                "Only letters A to Z, digits, spaces and '()+,-./:=? can stand here (X.520)."
            )
            reader.refuse(key, words)
        elif self.strict and key == "E" and text and not is_mail(text):
            reader.refuse(key, _n("This is no e-mail address."))

    def hosts(self) -> tuple[str, ...]:
        before = len(self.problems)
        hosts = self.top.texts("hosts", limit=MAX_HOSTS)
        if len(self.problems) > before:
            return hosts
        for i, host in enumerate(hosts):
            try:
                classify_host(host, compat=not self.strict, field=f"hosts[{i}]")
            except InvalidHost as problem:
                self.note(problem)
        return hosts

    def key(self) -> KeySpec:
        reader = self.top.inner("key")
        if reader is None:
            return KeySpec()
        before = len(self.problems)
        key = KeySpec(algo=reader.text("algo"), size=reader.integer("size"))
        self.unknown += reader.unknown()
        if len(self.problems) == before:
            try:
                require_key_spec(key)
            except InvalidField as problem:
                self.note(problem)
        return key

    def name(self, reader: Reader) -> NameEntry:
        country = reader.text("C")
        if (
            self.strict
            and country
            and not (len(country) == 2 and country.isascii() and country.isalpha())
        ):
            words = _n(
                "A country is exactly two letters (ISO 3166), for example CN, not %(value)s."
            )
            reader.refuse("C", words, value=country)
        values = {
            attribute: self.bounded(reader, key)
            for key, attribute in NAME_KEYS.items()
            if key != "C"
        }
        oid = self.oid(reader)
        self.unknown += reader.unknown()
        return NameEntry(country=country, oid=oid, **values)

    def oid(self, reader: Reader) -> tuple[tuple[str, str], ...]:
        inner = reader.inner("OID")
        if inner is None:
            return ()
        pairs = tuple((dotted, inner.text(dotted)) for dotted in inner.document)
        for dotted, value in pairs:
            self.note(oid_problem(dotted, field=inner.at(dotted)))
            self.note(text_problem(dotted, field=inner.path))
            if dotted in RESERVED_OIDS:
                inner.refuse(
                    dotted, _n("Write this under its own key %(own)s."), own=RESERVED_OIDS[dotted]
                )
            self.check_encoding(inner, dotted, value)
            if not value:
                inner.refuse(dotted, _n("This value is empty."))
            elif len(value) > (UPPER_BOUNDS["OID"] if self.strict else _COMPAT_BOUND):
                inner.refuse(dotted, _n("This value is too long."))
        return pairs

    def ca(self) -> CaSpec | None:
        reader = self.top.inner("ca")
        if reader is None:
            return None
        ca = CaSpec(
            expiry=reader.text("expiry"),
            backdate=reader.text("backdate"),
            pathlen=reader.integer("pathlen"),
            pathlenzero=reader.boolean("pathlenzero"),
            name_constraints=self.name_constraints(reader),
        )
        self.unknown += reader.unknown()
        self.check_ca(ca, reader)
        return ca

    def name_constraints(self, ca: Reader) -> NameConstraints:
        reader = ca.inner("name_constraints")
        if reader is None:
            return NameConstraints()
        constraints, problems = load_constraints(
            reader.texts("permitted", limit=MAX_CONSTRAINTS),
            reader.texts("excluded", limit=MAX_CONSTRAINTS),
            field=reader.path,
        )
        self.problems += problems
        self.unknown += reader.unknown()
        return constraints

    def check_ca(self, ca: CaSpec, reader: Reader) -> None:
        try:
            if ca.expiry:
                parse_positive_duration(ca.expiry, field=reader.at("expiry"))
        except InvalidDuration as problem:
            self.note(problem)
        try:
            if ca.backdate:
                parse_duration(ca.backdate, field=reader.at("backdate"))
        except InvalidDuration as problem:
            self.note(problem)
        if not 0 <= ca.pathlen <= MAX_PATHLEN:
            reader.refuse("pathlen", _n("This must be between 0 and %(limit)d."), limit=MAX_PATHLEN)
        if self.strict and ca.pathlen and ca.pathlenzero:
            reader.refuse(
                "pathlenzero", _n("This goes with pathlen 0 only; cfssl would silently ignore it.")
            )

    def extension(self, reader: Reader) -> RequestedExtension | None:
        arcs, critical, value = reader.value("Id"), reader.boolean("Critical"), reader.text("Value")
        self.unknown += reader.unknown()
        if not isinstance(arcs, list) or not all(type(arc) is int for arc in arcs):
            reader.refuse(
                "Id", _n("This must be a list of whole numbers, like [1, 3, 6, 1, 4, 1, 99999, 1].")
            )
            return None
        oid = ".".join(map(str, arcs))
        self.note(oid_problem(oid, field=reader.at("Id")))
        if oid in RESERVED_EXTENSIONS:
            own = RESERVED_EXTENSIONS[oid]
            reader.refuse("Id", _n("Write this under its own key %(own)s."), own=own)
        try:
            return RequestedExtension(
                oid=oid, critical=critical, value=b64decode(value, validate=True)
            )
        except (binascii.Error, ValueError):
            reader.refuse("Value", _n("This must be base64."))
            return None
