"""The trust lanes in words: where an authority of each stands in Kubernetes, and what must not be
mixed into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.profiles import SigningConfig
from aggportal.web.sentences import visible

Text = str | Promise


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneWords:
    """`place` fits into a table cell, `purpose` and `danger` are a sentence or two."""

    value: str
    label: Text
    place: Text
    purpose: Text
    danger: Text


_LANES = (
    LaneWords(
        value="front-proxy",
        label=_l("Front proxy"),
        place=_l("behind --requestheader-client-ca-file"),
        purpose=_l(
            "It vouches for kube-apiserver towards extension servers. With the proxy client "
            "certificate that it signs, kube-apiserver passes on who is asking, in headers."
        ),
        danger=_l(
            "Whoever holds a client certificate of this authority may claim to be anybody, "
            "cluster administrators included. Issue the proxy client certificate from it and "
            "nothing else, and never use it as --client-ca-file too."
        ),
    ),
    LaneWords(
        value="serving",
        label=_l("Serving"),
        place=_l("behind caBundle"),
        purpose=_l(
            "It vouches for extension API servers towards kube-apiserver. Its certificate goes "
            "into the caBundle of the APIService; what it signs, into the extension server."
        ),
        danger=_l(
            "Whoever holds a server certificate of this authority can stand in for an extension "
            "server and receives what people send there. Keep client auth out of it."
        ),
    ),
    LaneWords(
        value="client",
        label=_l("Client"),
        place=_l("behind --client-ca-file"),
        purpose=_l(
            "It vouches for people and programs towards kube-apiserver: the CN becomes the user "
            "name, every O a group."
        ),
        danger=_l(
            "Certificates cannot be taken back before they expire: kube-apiserver reads no "
            "revocation list. Keep their lives short, and never use it as "
            "--requestheader-client-ca-file."
        ),
    ),
    LaneWords(
        value="general",
        label=_l("General"),
        place=_l("no fixed place"),
        purpose=_l(
            "For what fits no lane, and for one authority that does everything, as in the classic "
            "recipe."
        ),
        danger=_l(
            "One authority for two purposes opens the one by way of the other: a server "
            "certificate with client auth from the front-proxy authority is enough to become "
            "anybody. Prefer two authorities."
        ),
    ),
)
LANE_WORDS: Mapping[str, LaneWords] = MappingProxyType({lane.value: lane for lane in _LANES})

# Usages that open another lane's door, by lane.
_FOREIGN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "front-proxy": frozenset({"server auth", "any"}),
        "serving": frozenset({"client auth", "any"}),
        "client": frozenset({"server auth", "any"}),
        "general": frozenset({"any"}),
    }
)


def lane_cautions(lane: str, config: SigningConfig | None) -> tuple[str, ...]:
    """Name the profiles that mix the lane with another, and say what follows."""
    if config is None:
        return ()
    foreign = _FOREIGN.get(lane, frozenset())
    profiles = (config.default, *config.profiles)
    mixed = [(profile, sorted(foreign.intersection(profile.usages))) for profile in profiles]
    return tuple(
        _("%(profile)s has %(usages)s, which is not for this lane. %(danger)s")
        % {
            "profile": visible(profile.name),
            "usages": ", ".join(usages),
            "danger": LANE_WORDS[lane].danger,
        }
        for profile, usages in mixed
        if usages
    )
