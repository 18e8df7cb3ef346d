"""Template tags that every page may use (a builtin: no `{% load %}` needed)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import TIME_STRINGS
from django.utils.translation import gettext as _

from aggportal.web import sentences
from aggportal.words import Sentence

register = template.Library()

# Seconds in each, and how much of one may lack; static/js/app.js has the same.
UNITS = (
    ("year", 31557600),
    ("month", 2629800),
    ("week", 604800),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)
SLACK = 0.05


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, css: str = "") -> str:
    """Render a vendored icon inline: `{% icon "key" %}`; each is rendered once per process.

    Decorative: a word must stand beside it.
    """
    return render_to_string("web/_icon.html", {"path": f"icons/{name}.svg", "css": css})


@register.simple_tag
def moment(when: dt.datetime | None) -> str:
    """Render a time as people say it ("4 minutes ago", "in 61 days"), exact on hover, UTC named."""
    if when is None:
        return format_html("{}", "–")
    exact = when.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC" data-relative>{}</time>',
        exact.isoformat(timespec="seconds"),
        f"{exact:%Y-%m-%d %H:%M:%S}",
        relative(when, now=timezone.now()),
    )


@register.inclusion_tag("web/_copy.html")
def copy_button(target: str, label: str = "") -> dict[str, str]:
    """Render a button that copies the text of the element with id `target`."""
    return {"target": target, "label": label or _("Copy")}


@register.filter
def words(value: object) -> str:
    """Translate a core's sentence (or an error that carries one)."""
    sentence = getattr(value, "sentence", value)
    return sentences.words(sentence) if isinstance(sentence, Sentence) else str(value)


@register.filter
def visible(value: object) -> str:
    """Show text from outside with control and bidirectional characters spelled out."""
    return sentences.visible(value)


@register.simple_tag(takes_context=True)
def query(context: dict[str, object], **changes: object) -> str:
    """Return the page's query string with `changes` applied; an empty value removes its key."""
    request = context["request"]
    parameters = request.GET.copy()  # type: ignore[attr-defined]  # the request context processor's
    for key, value in changes.items():
        if value in ("", None):
            parameters.pop(key, None)
        else:
            parameters[key] = str(value)
    return f"?{parameters.urlencode()}"


def relative(when: dt.datetime, *, now: dt.datetime) -> str:
    """Say `when` relative to `now` in its largest unit, as static/js/app.js goes on doing.

    Units are cut off, since an end must not be promised later than it is; but what lacks a
    twentieth of a unit counts as whole, so that 365 days less some minutes are a year.
    """
    seconds = (when - now).total_seconds()
    away = abs(seconds)
    if away < 5:
        return _("just now")
    span = next((span for unit, size in UNITS if (span := _span(unit, away / size))), "")
    if not span:
        count = int(away + SLACK)
        texts = (_("in %(count)s s"), _("%(count)s s ago"))
        return texts[seconds < 0] % {"count": count}
    return (_("in %(span)s") if seconds > 0 else _("%(span)s ago")) % {"span": span}


def _span(unit: str, amount: float) -> str:
    """Return "11 months"; nothing for less than one."""
    whole = int(amount + SLACK)
    return str(TIME_STRINGS[unit] % {"num": whole}) if whole else ""
