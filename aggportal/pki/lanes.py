"""Trust lanes must not mix: what of a certificate or an authority opens another lane's door.

kube-apiserver believes three kinds of authorities, each for one thing:
--requestheader-client-ca-file names the front proxy, which may say that anybody is asking;
--client-ca-file names users; a caBundle names the servers of extension APIs. A certificate that is
good in two of them lets its holder act in the one by way of the other. Each such danger is refused,
unless an administrator lets it pass and says why. Names that are power (`powernames`) are dangers
too, and no single person lets them pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from cryptography import x509

from aggportal.pki.errors import (
    InvalidField,
    LaneMixed,
    PkiError,
    ReservedIdentity,
    require_no_problems,
)
from aggportal.pki.fields import text_problem
from aggportal.pki.hosts import San
from aggportal.pki.issuers import encode_name
from aggportal.pki.plans import CertificatePlan
from aggportal.pki.powernames import PowerName, power_names
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

Lane = Literal["front-proxy", "serving", "client", "general"]
MIN_REASON, MAX_REASON = 10, 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Danger:
    """One way in which lanes would mix.

    `field` is the path in the request spec (`CN`, `names`, `hosts`), or `profile`, `lane`. `code`
    is stable. `is_power` tells that the danger is a name, which two people alone let pass.
    """

    code: str
    field: str
    sentence: Sentence
    is_power: bool = False

    def __str__(self) -> str:
        return str(self.sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """Another authority, as far as lanes are concerned.

    `subject` is the DER of its name; `proxy_names` are the CNs that act as front proxy under it.
    `is_cluster` tells that these are the names that a cluster allows, under whatever authority: one
    of the lane `general` may be that one.
    """

    label: str
    lane: Lane
    subject: bytes = b""
    spki_sha256: str = ""
    proxy_names: tuple[str, ...] = ()
    is_cluster: bool = False


def lane_dangers(
    lane: Lane, plan: CertificatePlan, *, others: Sequence[Neighbour] = ()
) -> tuple[Danger, ...]:
    """Tell what is dangerous in a certificate that an authority of `lane` would sign.

    `others` are the other authorities. In the lane `general` usages may mix: it is for the one
    authority that does everything.
    """
    return (
        *reserved_dangers(plan.subject, plan.sans),
        *_usage_dangers(lane, plan),
        *_name_dangers(lane, plan, others),
    )


def authority_dangers(
    lane: Lane, subject: x509.Name, *, spki_sha256: str = "", others: Sequence[Neighbour] = ()
) -> tuple[Danger, ...]:
    """Tell what is dangerous in an authority for `lane`: the name or key of one in another lane.

    `spki_sha256` (hex) is empty while its key is not made.
    """
    dangers = list(reserved_dangers(subject))
    own_name = encode_name(subject)
    for other in others:
        if other.lane == lane:
            continue
        params = {"label": other.label, "lane": _LANE_NAMES[other.lane]}
        if spki_sha256 and other.spki_sha256 == spki_sha256:
            dangers.append(_danger("key-in-other-lane", "lane", _SAME_KEY, **params))
        elif other.subject == own_name:
            dangers.append(_danger("subject-in-other-lane", "CN", _SAME_NAME, **params))
    return tuple(dangers)


def below_dangers(parent: Lane, child: Lane) -> tuple[Danger, ...]:
    """Tell what is dangerous in an authority of lane `child` below one of lane `parent`."""
    if parent in (child, "general"):
        return ()
    names = {"parent": _LANE_NAMES[parent], "child": _LANE_NAMES[child]}
    return (_danger("lane-below-other", "lane", _BELOW_OTHER, **names),)


def reserved_dangers(subject: x509.Name, sans: Sequence[San] = ()) -> tuple[Danger, ...]:
    """Tell which names Kubernetes reserves for itself."""
    return tuple(_reserved(found) for found in power_names(subject, sans))


def power_of(dangers: Sequence[Danger]) -> tuple[Danger, ...]:
    """Return the dangers that are names of power."""
    return tuple(danger for danger in dangers if danger.is_power)


def require_reason(text: str) -> str:
    """Return the reason for letting dangers pass; refuse one that tells nothing."""
    reason = " ".join(text.split())
    if len(reason) < MIN_REASON:
        words = _n(
            "Say in at least %(least)d characters why this may pass: whoever looks at it in a year "
            "reads it."
        )
        raise InvalidField(words, field="override_reason", least=MIN_REASON)
    if len(reason) > MAX_REASON:
        words = _n("This is longer than %(limit)d characters.")
        raise InvalidField(words, field="override_reason", limit=MAX_REASON)
    problem = text_problem(reason, field="override_reason")
    if problem:
        raise problem
    return reason


def require_lane_kept(
    dangers: Sequence[Danger], *, override_reason: str = "", granted: bool = False
) -> str:
    """Refuse dangers, all at once, unless there is a reason; return the reason that let them pass.

    Names that are power pass with a reason only where two people `granted` them. The reason is
    empty where there was no danger. Raises `LaneMixed`, `ReservedIdentity`,
    `InvalidFields` where there are several, `InvalidField` for a reason that tells nothing.
    """
    if not dangers:
        return ""
    reason = require_reason(override_reason) if override_reason.strip() else ""
    if reason and (granted or not power_of(dangers)):
        return reason
    problems = [_refusal(danger) for danger in dangers if danger.is_power or not reason]
    if len(problems) == 1:
        raise problems[0]
    require_no_problems(problems)
    return ""


def _refusal(danger: Danger) -> PkiError:
    kind = ReservedIdentity if danger.code.startswith("reserved-") else LaneMixed
    return kind(danger.sentence.text, field=danger.field, **danger.sentence.params)


def _danger(code: str, field: str, text: str, **params: object) -> Danger:
    return Danger(code=code, field=field, sentence=Sentence(text=text, params=params))


def _power(code: str, field: str, text: str, **params: object) -> Danger:
    return replace(_danger(code, field, text, **params), is_power=True)


def _reserved(found: PowerName) -> Danger:
    params = {"attribute": found.attribute, "value": found.value}
    if found.rules:
        return _power("reserved-administrators", found.field, _MASTERS, **params)
    return _power("reserved-identity", found.field, _SYSTEM, identity=found.identity, **params)


def _usage_dangers(lane: Lane, plan: CertificatePlan) -> Iterator[Danger]:
    if plan.is_ca or lane == "general":
        return
    serves, speaks = can_serve(plan), can_speak(plan)
    if lane == "front-proxy" and serves and speaks:
        yield _danger("both-usages", "profile", _BOTH)
    elif lane == "front-proxy" and serves:
        yield _danger("server-from-front-proxy", "profile", _SERVER_FROM_FRONT_PROXY)
    elif lane == "serving" and speaks:
        yield _danger("client-from-serving", "profile", _CLIENT_FROM_SERVING)
    elif lane == "client" and serves:
        yield _danger("server-from-client", "profile", _SERVER_FROM_CLIENT)


def _name_dangers(
    lane: Lane, plan: CertificatePlan, others: Sequence[Neighbour]
) -> Iterator[Danger]:
    if not can_speak(plan):
        return
    reserved = {found.value for found in power_names(plan.subject, plan.sans)}
    for other in others:
        may_be_it = other.is_cluster and lane == "general"
        if other.lane == lane or may_be_it or not other.proxy_names:
            continue
        for found in power_names(plan.subject, names=other.proxy_names):
            if found.value not in reserved:
                params = {"cn": found.value, "name": found.identity, "label": other.label}
                yield _power("cn-of-front-proxy", found.field, _PROXY_NAME, **params)


def can_serve(plan: CertificatePlan) -> bool:
    """Tell whether a server could show it: `server auth` or anything at all."""
    return not plan.is_ca and _allows(plan, "server auth")


def can_speak(plan: CertificatePlan) -> bool:
    """Tell whether a client could show it: `client auth` or anything at all."""
    return not plan.is_ca and _allows(plan, "client auth")


def _allows(plan: CertificatePlan, usage: str) -> bool:
    usages = plan.extended_key_usages
    return not usages or usage in usages or "any" in usages


_LANE_NAMES: Mapping[str, Sentence] = MappingProxyType(
    {
        "front-proxy": Sentence(text=_n("front proxy")),
        "serving": Sentence(text=_n("serving")),
        "client": Sentence(text=_n("client")),
        "general": Sentence(text=_n("general")),
    }
)
_MASTERS = _n(
    "%(attribute)s=%(value)s makes the holder a cluster administrator: RBAC cannot restrict it, "
    "and revoking does nothing, because kube-apiserver reads no revocation list. Only a new client "
    "CA would end it. Use a group of your own and bind it with RBAC."
)
_SYSTEM = _n(
    "%(attribute)s=%(value)s lies under “%(identity)s”, where Kubernetes names its own parts, so "
    "the holder may gain their rights. Use a name of your own unless this is for such a part."
)
_BOTH = _n(
    "It would be good for servers and clients at once. Whoever holds a client certificate of this "
    "authority can act as the front proxy, and so as any user, as long as "
    "--requestheader-allowed-names is empty. Use the profile front-proxy-client here, and another "
    "authority for servers."
)
_SERVER_FROM_FRONT_PROXY = _n(
    "This authority is for the front proxy, and the certificate is for a server. Extension API "
    "servers trust this authority to name users: keep servers out of it and issue this from a "
    "serving authority."
)
_CLIENT_FROM_SERVING = _n(
    "This authority is for serving certificates, and this one could speak as a client. Where the "
    "authority is also trusted for clients, its servers become users. Issue it from a front-proxy "
    "or client authority."
)
_SERVER_FROM_CLIENT = _n(
    "This authority is for users, and the certificate could be a server's. Whoever trusts this "
    "authority for servers would trust every user's key too. Issue it from a serving authority."
)
_PROXY_NAME = _n(
    "“%(cn)s” stands for “%(name)s”, the name under which the front proxy of “%(label)s” acts. "
    "Where both authorities are trusted together, the holder could claim to be anybody. Choose "
    "another name."
)
_SAME_KEY = _n(
    "“%(label)s” of the lane %(lane)s has the very same key. Whatever the one signs, the other "
    "vouches for: a front-proxy CA that is --client-ca-file too makes every user a front proxy. "
    "Make a key of its own."
)
_SAME_NAME = _n(
    "“%(label)s” of the lane %(lane)s has the very same subject. Programs find an issuer by its "
    "name, so a chain may be built over the wrong one, and nobody can tell the two apart in a log. "
    "Give this one a CN of its own."
)
_BELOW_OTHER = _n(
    "The authority above is of the lane %(parent)s, this one would be of the lane %(child)s: "
    "whoever trusts the one above trusts everything below it too. Take one of the same lane, or a "
    "root of its own."
)
