"""Template context that every page needs: how it looks."""

from __future__ import annotations

from django.http import HttpRequest

THEMES = ("auto", "light", "dark")


def appearance(request: HttpRequest) -> dict[str, str]:
    """Return the chosen theme (`auto`, `light` or `dark`) and the room of the house: the address's
    first part.
    """
    theme = request.COOKIES.get("theme", "auto")
    return {
        "theme": theme if theme in THEMES else "auto",
        "active_nav": request.path.split("/")[1] or "dashboard",
    }
