"""Reading one signing profile; problems gather in the reader."""

from __future__ import annotations

import copy
import datetime as dt
import re

from aggportal.pki.durations import parse_duration, parse_positive_duration
from aggportal.pki.errors import InvalidDuration, InvalidField, UnknownUsage
from aggportal.pki.fields import Reader
from aggportal.pki.oids import oid_problem
from aggportal.pki.profiles import CaConstraint, CertificatePolicy, PolicyQualifier, Profile
from aggportal.pki.urls import url_problem
from aggportal.pki.usages import canonical_usage
from aggportal.pki.whitelist import compile_whitelist
from aggportal.words import gettext_noop as _n

MAX_PATHLEN = 255
MAX_URLS = 10
MAX_POLICIES = 20
QUALIFIER_TYPES = ("id-qt-cps", "id-qt-unotice")
_MAX_QUALIFIER = 200  # RFC 5280 section 4.2.1.4: explicitText has at most 200 characters
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_GO_ZERO = "0001-01-01T00:00:00Z"
# Kept for other tools; nothing here acts on them.
KEPT_KEYS = (
    "prev_auth_key",
    "allowed_extensions",
    "cert_store",
    "lint_error_level",
    "ignored_lints",
    "ignored_lint_sources",
)


def read_profile(name: str, reader: Reader) -> Profile:
    """Read one profile with cfssl's rules; what is wrong is in `reader.problems` afterwards."""
    remote, auth_remote = reader.text("remote"), _auth_remote(reader)
    local = not remote and not auth_remote
    usages = _usages(reader, required=local and name != "default")
    for key in KEPT_KEYS:
        reader.value(key)
    profile = Profile(
        name=name,
        usages=usages,
        expiry=_expiry(reader, required=local),
        backdate=_backdate(reader),
        not_before=_time(reader, "not_before"),
        not_after=_time(reader, "not_after"),
        ca_constraint=_ca_constraint(reader),
        ocsp_url=_url(reader, "ocsp_url"),
        crl_url=_url(reader, "crl_url"),
        issuer_urls=_urls(reader, "issuer_urls"),
        ocsp_no_check=reader.boolean("ocsp_no_check"),
        name_whitelist=_whitelist(reader),
        policies=_policies(reader),
        copy_extensions=reader.boolean("copy_extensions"),
        auth_key=reader.text("auth_key"),
        remote=remote,
        auth_remote=auth_remote,
        ct_log_servers=reader.texts("ct_log_servers", limit=MAX_URLS),
        csr_whitelist=reader.value("CSRWhitelist") is not None,
        client_serials=reader.boolean("ClientProvidesSerialNumbers"),
        auto_sign=reader.boolean("auto_sign"),
        two_people=reader.boolean("two_people"),
        unknown=reader.unknown(),
        raw=copy.deepcopy(dict(reader.document)),
    )
    if profile.not_before and profile.not_after and profile.not_after <= profile.not_before:
        reader.refuse("not_after", _n("This must be later than not_before."))
    if profile.auto_sign and profile.two_people:
        reader.refuse(
            "two_people",
            _n(
                "auto_sign needs nobody's decision, two_people that of another person. Keep one of "
                "the two."
            ),
        )
    if remote and auth_remote:
        reader.refuse("auth_remote", _n("A profile has either remote or auth_remote, not both."))
    return profile


def _usages(reader: Reader, *, required: bool) -> tuple[str, ...]:
    names = reader.texts("usages", limit=50)
    usages = []
    for i, usage in enumerate(names):
        try:
            usages.append(canonical_usage(usage, field=f"{reader.at('usages')}[{i}]"))
        except UnknownUsage as problem:
            reader.problems.append(problem)
    if required and not names:
        words = _n("A profile needs at least one usage, for example signing and server auth.")
        reader.refuse("usages", words)
    return tuple(dict.fromkeys(usages))


def _expiry(reader: Reader, *, required: bool) -> str:
    text = reader.text("expiry")
    if not text:
        if required:
            reader.refuse(
                "expiry", _n("Every profile, the default too, needs an expiry such as 8760h.")
            )
        return text
    try:
        parse_positive_duration(text, field=reader.at("expiry"))
    except InvalidDuration as problem:
        reader.problems.append(problem)
    return text


def _backdate(reader: Reader) -> str:
    text = reader.text("backdate")
    try:
        if text:
            parse_duration(text, field=reader.at("backdate"))
    except InvalidDuration as problem:
        reader.problems.append(problem)
    return text


def _time(reader: Reader, key: str) -> dt.datetime | None:
    text = reader.text(key)
    if text in ("", _GO_ZERO):
        return None
    try:
        if _RFC3339.fullmatch(text):
            return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    reader.refuse(key, _n("This must be a time like 2030-01-31T12:00:00Z."))
    return None


def _ca_constraint(reader: Reader) -> CaConstraint:
    inner = reader.inner("ca_constraint")
    if inner is None:
        return CaConstraint()
    constraint = CaConstraint(
        is_ca=inner.boolean("is_ca"),
        max_path_len=inner.integer("max_path_len"),
        max_path_len_zero=inner.boolean("max_path_len_zero"),
    )
    if not 0 <= constraint.max_path_len <= MAX_PATHLEN:
        words = _n("This must be between 0 and %(limit)d.")
        inner.refuse("max_path_len", words, limit=MAX_PATHLEN)
    return constraint


def _auth_remote(reader: Reader) -> str:
    inner = reader.inner("auth_remote")
    if inner is None:
        return ""
    inner.text("auth_key")
    return inner.text("remote")


def _url(reader: Reader, key: str) -> str:
    url = reader.text(key)
    problem = url_problem(url, field=reader.at(key))
    if problem:
        reader.problems.append(problem)
    return url


def _urls(reader: Reader, key: str) -> tuple[str, ...]:
    urls = reader.texts(key, limit=MAX_URLS)
    problems = (url_problem(url, field=f"{reader.at(key)}[{i}]") for i, url in enumerate(urls))
    reader.problems += [problem for problem in problems if problem]
    return tuple(url for url in urls if url)


def _whitelist(reader: Reader) -> str:
    pattern = reader.text("name_whitelist")
    try:
        compile_whitelist(pattern, field=reader.at("name_whitelist"))
    except InvalidField as problem:
        reader.problems.append(problem)
    return pattern


def _policies(reader: Reader) -> tuple[CertificatePolicy, ...]:
    policies = []
    for inner in reader.inners("Policies", limit=MAX_POLICIES):
        oid = inner.text("ID")
        problem = oid_problem(oid, field=inner.at("ID"))
        if problem:
            reader.problems.append(problem)
        qualifiers = tuple(_qualifier(q) for q in inner.inners("Qualifiers", limit=MAX_POLICIES))
        policies.append(CertificatePolicy(oid=oid, qualifiers=qualifiers))
    if len({policy.oid for policy in policies}) < len(policies):
        reader.refuse("Policies", _n("A policy stands here twice."))
    return tuple(policies)


def _qualifier(reader: Reader) -> PolicyQualifier:
    qualifier = PolicyQualifier(type=reader.text("Type"), value=reader.text("Value"))
    if qualifier.type not in QUALIFIER_TYPES:
        words = _n("The type must be one of %(choices)s.")
        reader.refuse("Type", words, choices=", ".join(QUALIFIER_TYPES))
    too_long = len(qualifier.value) > _MAX_QUALIFIER
    if (
        too_long
        or not qualifier.value
        or (qualifier.type == "id-qt-cps" and not qualifier.value.isascii())
    ):
        words = _n("The value must have 1 to %(limit)d characters, and for id-qt-cps be ASCII.")
        reader.refuse("Value", words, limit=_MAX_QUALIFIER)
    return qualifier
