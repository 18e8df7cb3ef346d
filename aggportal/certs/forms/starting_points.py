"""What a person may start from: profiles to add, and whole configs for a new authority."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.config import dump_profile
from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import DEFAULT_CONFIG, DEFAULT_CONFIG_TEXT, PRESETS

Choices = list[tuple[str, str | Promise]]

PRINT_DEFAULTS = "print-defaults"
BLANK = "blank"
RECOMMENDED = "recommended"
OWN = "own"

_LABELS: Mapping[str, str | Promise] = {
    "front-proxy-client": _l(
        "front-proxy-client: client auth only, for the proxy client certificate"
    ),
    "extension-serving": _l("extension-serving: server auth only, for extension API servers"),
    "user": _l("user: client auth for a day, for people and programs in a cluster"),
    "client": _l("client: client auth (cfssl's own)"),
    "www": _l("www: server auth (cfssl's own)"),
    "aggregator": _l("aggregator: server and client auth for ten years (the classic recipe)"),
    PRINT_DEFAULTS: _l("www and client: cfssl print-defaults config"),
    BLANK: _l("an empty one"),
}
_OF_LANE: Mapping[str, tuple[str, ...]] = {
    "front-proxy": ("front-proxy-client",),
    "serving": ("extension-serving",),
    "client": ("user", "client"),
    "general": ("front-proxy-client", "extension-serving"),
}
_DEFAULT = {"expiry": "8760h"}


def profile_choices(lane: str) -> Choices:
    """Return what may be added to a config, the fitting ones first."""
    first = _OF_LANE.get(lane, ())
    return [(name, _LABELS[name]) for name in dict.fromkeys((*first, *_LABELS))]


def added_profiles(preset: str) -> Mapping[str, object]:
    """Return the profiles of a preset as JSON by name; an unknown preset is an empty profile."""
    if preset in PRESETS:
        return {preset: dump_profile(PRESETS[preset])}
    if preset == PRINT_DEFAULTS:
        signing = DEFAULT_CONFIG["signing"]
        return dict(signing["profiles"]) if isinstance(signing, dict) else {}
    return {"new-profile": {"usages": ["signing"], "expiry": "8760h"}}


def starting_config(start: str, *, lane: str) -> str:
    """Return the `ca-config.json` text for a new authority of `lane`."""
    if start == PRINT_DEFAULTS:
        return DEFAULT_CONFIG_TEXT
    if start == "aggregator":
        return _config("aggregator", default={"expiry": "87600h"})
    return _config(*_OF_LANE.get(lane, ()), default=_DEFAULT)


def _config(*names: str, default: Mapping[str, object]) -> str:
    profiles = {name: dump_profile(PRESETS[name]) for name in names}
    return dump_json({"signing": {"default": dict(default), "profiles": profiles}})
