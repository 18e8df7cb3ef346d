"""Template tags that every page may use (a builtin: no `{% load %}` needed)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from aggportal.web import sentences
from aggportal.words import Sentence

register = template.Library()


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
    """Say `when` relative to `now` in its largest unit."""
    seconds = (when - now).total_seconds()
    if abs(seconds) < 5:
        return _("just now")
    if abs(seconds) < 60:
        count = int(abs(seconds))
        return (
            _("in %(count)s s") % {"count": count}
            if seconds > 0
            else _("%(count)s s ago") % {"count": count}
        )
    if seconds > 0:
        return _("in %(span)s") % {"span": timeuntil(when, now, depth=1)}
    return _("%(span)s ago") % {"span": timesince(when, now, depth=1)}
