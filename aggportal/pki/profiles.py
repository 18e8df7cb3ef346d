"""Signing profiles as frozen values: what cfssl's `ca-config.json` says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aggportal.pki.errors import UnknownProfile
from aggportal.pki.usages import canonical_usage
from aggportal.words import gettext_noop as _n


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
    """One signing profile. `usages` are cfssl's names in canonical spelling and in the document's
    order.

    `expiry` and `backdate` are Go durations as written ("8760h"), empty when absent. `raw` is the
    JSON object that it was read from, so that an export loses nothing, not even keys that we do not
    use. `auto_sign` is our own key: signing requests under the profile are signed when they come
    in, without anybody's decision; so is `two_people`: whoever asks for a certificate under the
    profile needs the approval of another person. cfssl does not know either.
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
    csr_whitelist: bool = False
    client_serials: bool = False
    auto_sign: bool = False
    two_people: bool = False
    unknown: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def as_written(self) -> tuple[str, ...]:
        """The usages under canonical names, one that was written twice twice."""
        written = next((v for k, v in self.raw.items() if k.casefold() == "usages"), None)
        if not isinstance(written, list):
            return self.usages
        return tuple(canonical_usage(usage, field="usages") for usage in written)


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningConfig:
    """A whole CA config: the default profile (named "default") and the named ones in order.

    `raw` is the document that it was read from; `unknown` lists paths of keys that cfssl would
    ignore silently.
    """

    default: Profile
    profiles: tuple[Profile, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    unknown: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The named profiles' names, in order."""
        return tuple(profile.name for profile in self.profiles)

    def profile(self, name: str) -> Profile:
        """Return a profile ready to sign with; empty or "default" is the default one.

        A named profile inherits from the default one what cfssl lets it inherit: `issuer_urls`,
        `ocsp_url` and `crl_url`. Raises `UnknownProfile`, where cfssl would silently take the
        default profile.
        """
        found = next((profile for profile in self.profiles if profile.name == name), None)
        if found is None:
            if name in ("", "default"):
                return self.default
            words = _n("There is no profile %(name)s; the profiles are %(choices)s.")
            choices = ", ".join(("default", *self.names))
            raise UnknownProfile(words, field="profile", name=name, choices=choices)
        return replace(
            found,
            issuer_urls=found.issuer_urls or self.default.issuer_urls,
            ocsp_url=found.ocsp_url or self.default.ocsp_url,
            crl_url=found.crl_url or self.default.crl_url,
        )
