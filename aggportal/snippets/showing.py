"""What the flags page shows of a filled form: tabs, and the chosen way with its files and steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from aggportal.kube.flags import File, Rendered, Step, render_all
from aggportal.snippets.forms.flags import FlagsForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """One way of installing, as a link that keeps all other choices."""

    way: Rendered
    url: str
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFile:
    """One file, the id of its element on the page, and where it can be downloaded."""

    id: str
    file: File
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownStep:
    """One step, and the id of the element with its commands."""

    id: str
    step: Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The right side of the page. Without a way the choices were refused; the form says why."""

    tabs: tuple[Tab, ...] = ()
    way: Rendered | None = None
    files: tuple[ShownFile, ...] = ()
    apply_steps: tuple[ShownStep, ...] = ()
    check_steps: tuple[ShownStep, ...] = ()


def show(form: FlagsForm) -> Shown:
    """Render what a valid `form` chose, in every way that its version of Kubernetes knows."""
    if not form.is_valid() or form.front_proxy is None:
        return Shown()
    ways = render_all(form.front_proxy, minor=form.minor)
    chosen = next((way for way in ways if way.key == form.way_key), ways[0])
    page = reverse("snippets:flags_show")
    return Shown(
        tabs=tuple(
            Tab(way=way, url=f"{page}?{form.query(way=way.key)}", active=way is chosen)
            for way in ways
        ),
        way=chosen,
        files=tuple(_file(file, query=form.query(way=chosen.key)) for file in chosen.files),
        apply_steps=_steps("apply", chosen.apply_steps),
        check_steps=_steps("check", chosen.check_steps),
    )


def _file(file: File, *, query: str) -> ShownFile:
    address = reverse("snippets:flags_download", args=[file.key])
    return ShownFile(id=f"file-{file.key}", file=file, url=f"{address}?{query}")


def _steps(prefix: str, steps: Iterable[Step]) -> tuple[ShownStep, ...]:
    return tuple(
        ShownStep(id=f"{prefix}-{number}", step=step) for number, step in enumerate(steps, start=1)
    )


def file_with_key(form: FlagsForm, key: str) -> File | None:
    """Return the file `key` of what `form` chose; None where the form, or that way, is refused.

    Raises `Http404` for a key that no way of installing has.
    """
    if not form.is_valid() or form.front_proxy is None:
        return None
    ways = render_all(form.front_proxy)
    found = next((file for way in ways for file in way.files if file.key == key), None)
    if found is None and key not in {way.key for way in ways}:
        raise Http404(_("No way of installing has a file of this name."))
    return found
