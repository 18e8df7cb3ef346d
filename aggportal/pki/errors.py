"""Everything this core refuses, as one tree: `PkiError` is the root, each leaf is one decision.

A leaf is named for the decision (`OutlivesIssuer`), not with the suffix Error.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggportal.words import RefusedError
from aggportal.words import gettext_noop as _n


class PkiError(RefusedError):
    """Root of the tree. `field` is the input's own path (`names[0].C`,
    `signing.profiles.www.expiry`).
    """

    code = "pki"

    @property
    def problems(self) -> tuple[PkiError, ...]:
        """What is wrong, one by one; a leaf is its own only problem. Forms loop over this."""
        return (self,)


class InvalidJson(PkiError):
    """The text is not the JSON that we read. `line` and `column` count from 1; both 0 when the
    whole text is meant.
    """

    code = "invalid-json"

    def __init__(
        self, text: str, *, line: int, column: int, field: str = "", **params: object
    ) -> None:
        self.line = line
        self.column = column
        super().__init__(text, field=field, line=line, column=column, **params)


class InvalidField(PkiError):
    """One value is wrong; `field` names it."""

    code = "invalid-field"


class InvalidFields(PkiError):
    """A document has one or more problems; `problems` holds them all, in the document's order."""

    code = "invalid-fields"

    def __init__(self, problems: Sequence[PkiError]) -> None:
        self._problems = tuple(problems)
        lines = "; ".join(f"{p.field}: {p}" if p.field else str(p) for p in self._problems)
        super().__init__(
            _n("%(count)d values need mending: %(lines)s"), count=len(self._problems), lines=lines
        )

    @property
    def problems(self) -> tuple[PkiError, ...]:
        return self._problems


class InvalidHost(InvalidField):
    """A host cannot become a subject alternative name."""

    code = "invalid-host"


class InvalidDuration(InvalidField):
    """Not a Go duration such as 8760h."""

    code = "invalid-duration"


class UnknownUsage(InvalidField):
    """A usage that cfssl does not know; cfssl drops it silently. `suggestion` is the closest known
    name or empty.
    """

    code = "unknown-usage"

    def __init__(self, text: str, *, suggestion: str, field: str, **params: object) -> None:
        self.suggestion = suggestion
        super().__init__(text, field=field, suggestion=suggestion, **params)


class UnknownProfile(PkiError):
    """A profile that the config does not have; cfssl silently falls back to the default profile."""

    code = "unknown-profile"


class NoUsage(PkiError):
    """The profile allows nothing (cfssl 5100 "no key usage available")."""

    code = "no-usage"


class UnsupportedProfile(PkiError):
    """The profile asks for something that needs a remote signer or a log server."""

    code = "unsupported-profile"


class MissingSubject(PkiError):
    """Neither CN nor names (cfssl 5300 "missing subject information")."""

    code = "missing-subject"


class OutlivesIssuer(PkiError):
    """The certificate would be valid outside its issuer's validity (RFC 5280 section 6.1 refuses
    such a chain).
    """

    code = "outlives-issuer"


class PathLengthExceeded(PkiError):
    """The issuer may not have a certificate authority of this depth below it (RFC 5280 section
    4.2.1.9).
    """

    code = "path-length-exceeded"


class NotAnAuthority(PkiError):
    """The issuer's certificate may not sign certificates."""

    code = "not-an-authority"


class NameNotAllowed(PkiError):
    """The profile's `name_whitelist` does not match a name (cfssl 5500)."""

    code = "name-not-allowed"


class NameConstrained(PkiError):
    """A name lies outside the name constraints of the authority or of one above it (RFC 5280
    section 4.2.1.10).
    """

    code = "name-constrained"


class ReservedIdentity(PkiError):
    """The subject is an identity that Kubernetes reserves for itself."""

    code = "reserved-identity"


class LaneMixed(PkiError):
    """A certificate or an authority would open another trust lane's door."""

    code = "lane-mixed"


class InvalidKey(PkiError):
    """A private or public key cannot be read, is of a kind that we refuse, or does not fit."""

    code = "invalid-key"


class WeakKey(InvalidKey):
    """A public key that anybody can compute the private one of."""

    code = "weak-key"


class KeyMismatch(InvalidKey):
    """The key is not the one that the certificate or plan speaks of."""

    code = "key-mismatch"


class InvalidCertificate(PkiError):
    """A text or file is not exactly the certificate(s) that we read."""

    code = "invalid-certificate"


class InvalidRequest(PkiError):
    """A text or file is not exactly one signing request (PKCS#10) that we read."""

    code = "invalid-request"


class WantsAuthority(PkiError):
    """A signing request asks for an authority's certificate (CA:TRUE), and the profile makes none
    (cfssl 5300).
    """

    code = "wants-authority"


class Unfit(PkiError):
    """A certificate cannot do a job; `problems` says why, one leaf for each reason."""

    code = "unfit"

    def __init__(self, text: str, *, reasons: Sequence[PkiError], **params: object) -> None:
        """`text` has a place for `%(reasons)s`."""
        self._reasons = tuple(reasons)
        super().__init__(text, field="certificate", reasons=" ".join(map(str, reasons)), **params)

    @property
    def problems(self) -> tuple[PkiError, ...]:
        return self._reasons


class CannotProxy(Unfit):
    """A certificate cannot serve as kube-apiserver's proxy client certificate."""

    code = "cannot-proxy"


class CannotServe(Unfit):
    """A certificate cannot be the serving certificate of an extension API server."""

    code = "cannot-serve"


def require_no_problems(problems: Sequence[PkiError]) -> None:
    """Raise `InvalidFields` with all of them when there are any."""
    if problems:
        raise InvalidFields(problems)
