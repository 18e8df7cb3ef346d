"""cfssl's `ca-config.json`: the signing policy (`signing.default`, `signing.profiles`) as frozen values, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class CaConstraint:
    """`ca_constraint`: a `max_path_len` of 0 counts only with `max_path_len_zero`."""

    is_ca: bool = False
    max_path_len: int = 0
    max_path_len_zero: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyQualifier:
    """`Policies[].Qualifiers[]`: `type` is id-qt-cps (a URL) or id-qt-unotice (a text)."""

    type: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificatePolicy:
    """One entry of `Policies`: a dotted OID and its qualifiers."""

    oid: str
    qualifiers: tuple[PolicyQualifier, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One signing profile. `usages` are cfssl's names in canonical spelling and in the document's order.

    `expiry` and `backdate` are Go durations as written ("8760h"), empty when absent. `raw` is the JSON object that it
    was read from, so that an export loses nothing, not even keys that we do not use.
    """

    name: str
    usages: tuple[str, ...] = ()
    expiry: str = ""
    backdate: str = ""
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None
    ca_constraint: CaConstraint = CaConstraint()
    ocsp_url: str = ""
    crl_url: str = ""
    issuer_urls: tuple[str, ...] = ()
    ocsp_no_check: bool = False
    name_whitelist: str = ""
    policies: tuple[CertificatePolicy, ...] = ()
    copy_extensions: bool = False
    auth_key: str = ""
    remote: str = ""
    auth_remote: str = ""
    ct_log_servers: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningConfig:
    """A whole CA config: the default profile (named "default"), the named profiles in order, other top-level keys raw."""

    default: Profile
    profiles: tuple[Profile, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
