"""cfssl's `ca-config.json` into a `SigningConfig` and back: all problems at once, nothing lost on
the way.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from aggportal.pki.errors import InvalidField, InvalidFields, PkiError, require_no_problems
from aggportal.pki.fields import Reader, text_problem
from aggportal.pki.jsontext import parse_json
from aggportal.pki.profilereading import read_profile
from aggportal.pki.profiles import (
    CaConstraint,
    CertificatePolicy,
    PolicyQualifier,
    Profile,
    SigningConfig,
)
from aggportal.words import gettext_noop as _n

__all__ = [
    "CaConstraint",
    "CertificatePolicy",
    "PolicyQualifier",
    "Profile",
    "SigningConfig",
    "dump_config",
    "dump_profile",
    "load_config",
    "load_profile",
    "parse_config",
]

MAX_PROFILES = 100
MAX_NAME = 64
# What cfssl signs with when a config has no `signing.default`.
IMPLICIT_DEFAULT = Profile(
    name="default",
    usages=("signing", "key encipherment", "server auth", "client auth"),
    expiry="8760h",
)


def parse_config(text: str) -> SigningConfig:
    """Read a CA config. Raises `InvalidJson`, or `InvalidFields` with every problem."""
    return load_config(parse_json(text))


def load_config(document: Mapping[str, object]) -> SigningConfig:
    """Read a decoded CA config. Raises `InvalidFields` with every problem."""
    problems: list[PkiError] = []
    top = Reader(document, path="", problems=problems)
    signing = top.inner("signing")
    if signing is None:
        top.refuse(
            "signing", _n('The document needs an object "signing" with "default" and "profiles".')
        )
        raise InvalidFields(problems)
    default_reader = signing.inner("default")
    default = read_profile("default", default_reader) if default_reader else IMPLICIT_DEFAULT
    profiles = _read_profiles(signing)
    _check_auth_keys(top, (default, *profiles), problems)
    for key in ("auth_keys", "remotes", "ocsp"):
        top.value(key)
    unknown = (*top.unknown(), *signing.unknown(), *default.unknown)
    require_no_problems(problems)
    return SigningConfig(
        default=default,
        profiles=profiles,
        raw=copy.deepcopy(dict(document)),
        unknown=(*unknown, *(path for profile in profiles for path in profile.unknown)),
    )


def load_profile(name: str, document: Mapping[str, object]) -> Profile:
    """Read one decoded profile. Raises `InvalidFields`, paths beginning with
    `signing.profiles.<name>`.
    """
    problems: list[PkiError] = []
    profile = read_profile(
        name, Reader(document, path=f"signing.profiles.{name}", problems=problems)
    )
    require_no_problems(problems)
    return profile


def dump_config(config: SigningConfig) -> dict[str, object]:
    """Write a CA config: keys as they were read, then new ones; unknown keys stay."""
    raw = copy.deepcopy(dict(config.raw))
    signing_key = _spelling(raw, "signing")
    old = raw.get(signing_key)
    signing: dict[str, object] = dict(old) if isinstance(old, dict) else {}
    default_key, profiles_key = _spelling(signing, "default"), _spelling(signing, "profiles")
    if default_key in signing or config.default != IMPLICIT_DEFAULT or not raw:
        signing[default_key] = dump_profile(config.default)
    if profiles_key in signing or config.profiles:
        signing[profiles_key] = {profile.name: dump_profile(profile) for profile in config.profiles}
    raw[signing_key] = signing
    return raw


def dump_profile(profile: Profile) -> dict[str, object]:
    """Write one profile; what is unchanged keeps the spelling that it was read in."""
    written = _written(profile)
    before = _written(read_profile(profile.name, Reader(profile.raw, path="", problems=[])))
    document: dict[str, object] = {}
    for key, value in profile.raw.items():
        known = next((k for k in _WRITERS if k.casefold() == key.casefold()), None)
        if known is None or written.get(known) == before.get(known):
            document[key] = copy.deepcopy(value)
        elif known in written:
            document[key] = written[known]
        written.pop(known or "", None)
    return document | written


def _spelling(document: Mapping[str, object], key: str) -> str:
    return next((k for k in document if k.casefold() == key), key)


def _read_profiles(signing: Reader) -> tuple[Profile, ...]:
    reader = signing.inner("profiles")
    if reader is None:
        return ()
    if len(reader.document) > MAX_PROFILES:
        words = _n("%(count)d profiles are too many; at most %(limit)d are accepted.")
        signing.refuse("profiles", words, count=len(reader.document), limit=MAX_PROFILES)
        return ()
    profiles = []
    for name, value in reader.document.items():
        problem = text_problem(name, field=reader.path)
        if problem or not 0 < len(name) <= MAX_NAME:
            words = _n("A profile's name must have 1 to %(limit)d visible characters.")
            reader.problems.append(
                problem or InvalidField(words, field=reader.path, limit=MAX_NAME)
            )
        elif not isinstance(value, dict):
            reader.refuse(name, _n("This must be an object: { … }."))
        else:
            inner = Reader(value, path=reader.at(name), problems=reader.problems)
            profiles.append(read_profile(name, inner))
    return tuple(profiles)


def _check_auth_keys(top: Reader, profiles: tuple[Profile, ...], problems: list[PkiError]) -> None:
    keys = top.value("auth_keys")
    known = keys if isinstance(keys, dict) else {}
    for profile in profiles:
        if profile.auth_key and profile.auth_key not in known:
            path = (
                "signing.default" if profile is profiles[0] else f"signing.profiles.{profile.name}"
            )
            words = _n("auth_keys has no key %(name)s.")
            problems.append(InvalidField(words, field=f"{path}.auth_key", name=profile.auth_key))


_WRITERS: dict[str, Callable[[Profile], object]] = {
    "expiry": lambda p: p.expiry,
    "usages": lambda p: list(p.usages),
    "backdate": lambda p: p.backdate,
    "not_before": lambda p: p.not_before.isoformat().replace("+00:00", "Z") if p.not_before else "",
    "not_after": lambda p: p.not_after.isoformat().replace("+00:00", "Z") if p.not_after else "",
    "ca_constraint": lambda p: _dump_constraint(p.ca_constraint),
    "ocsp_url": lambda p: p.ocsp_url,
    "crl_url": lambda p: p.crl_url,
    "issuer_urls": lambda p: list(p.issuer_urls),
    "ocsp_no_check": lambda p: p.ocsp_no_check,
    "name_whitelist": lambda p: p.name_whitelist,
    "Policies": lambda p: [_dump_policy(policy) for policy in p.policies],
    "copy_extensions": lambda p: p.copy_extensions,
    "auth_key": lambda p: p.auth_key,
    "remote": lambda p: p.remote,
    "auth_remote": lambda p: {"remote": p.auth_remote} if p.auth_remote else {},
    "ct_log_servers": lambda p: list(p.ct_log_servers),
    "ClientProvidesSerialNumbers": lambda p: p.client_serials,
    "auto_sign": lambda p: p.auto_sign,
    "two_people": lambda p: p.two_people,
}


def _written(profile: Profile) -> dict[str, object]:
    values = ((key, write(profile)) for key, write in _WRITERS.items())
    return {key: value for key, value in values if value}


def _dump_constraint(constraint: CaConstraint) -> dict[str, object]:
    document: dict[str, object] = {
        "is_ca": constraint.is_ca,
        "max_path_len": constraint.max_path_len,
        "max_path_len_zero": constraint.max_path_len_zero,
    }
    return {key: value for key, value in document.items() if value}


def _dump_policy(policy: CertificatePolicy) -> dict[str, object]:
    qualifiers = [{"Type": q.type, "Value": q.value} for q in policy.qualifiers]
    return {"ID": policy.oid} | ({"Qualifiers": qualifiers} if qualifiers else {})
