"""A person with a browser: one context, one page, a width, a theme, and eyes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import COLOUR_RULES, grave_violations
from tests.browser.eyes import Eyes
from tests.e2e.portal import PASSWORD, Portal

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
HEIGHTS = {1280: 800, 360: 740}
WIDTHS = tuple(HEIGHTS)
THEMES = ("light", "dark")
# Leaves room for a busy machine; what must be fast is asserted where it is the point.
PATIENCE_MS = 15_000


@dataclass(kw_only=True)
class Person:
    """`page` is a Playwright page on the portal; addresses are paths."""

    portal: Portal
    page: Page
    eyes: Eyes
    width: int = 1280
    theme: str = "light"

    def go(self, path: str) -> None:
        """Open a page as if typed into the address bar."""
        self.page.goto(f"{self.portal.address}{path}")

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.portal.address)

    def sign_in(self, name: str = "admin", password: str = PASSWORD) -> None:
        """Fill the sign-in page and send it."""
        self.go("/login/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/login/" not in url)

    def choose_password(self, one_time: str, password: str = PASSWORD) -> None:
        """Replace the one-time password, as the portal demands at the first sign-in."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Choose a password")
        for name, value in (
            ("old_password", one_time),
            ("new_password1", password),
            ("new_password2", password),
        ):
            self.page.locator(f"[name={name}]").fill(value)
        self.page.get_by_role("button", name="Change the password").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("What needs you")

    def follow(self, link: str) -> None:
        """Choose from the navigation, through the drawer where it is one."""
        opener = self.page.get_by_role("button", name="Open the navigation")
        if opener.is_visible():
            opener.click()
        self.page.locator("#sidebar").get_by_role("link", name=link).first.click()

    def heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def look(self, step: str) -> None:
        """The page must fit, shut nobody out, and is kept as a picture."""
        self.page.wait_for_load_state()
        self.require_fits()
        self.picture(step)
        found = grave_violations(self.page, rules=COLOUR_RULES if self.theme == "dark" else ())
        assert not found, f"{self.path} at {self.width} px, {self.theme}:\n" + "\n".join(found)

    def turn(self, *, width: int, theme: str) -> None:
        """Another window and another system theme, without loading anew."""
        self.width, self.theme = width, theme
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")

    def look_at_all_sides(self, step: str) -> None:
        """Both widths in both themes."""
        for theme in THEMES:
            for width in WIDTHS:
                self.turn(width=width, theme=theme)
                self.look(step)

    def picture(self, step: str) -> None:
        """Keep what is on the screen for review."""
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{step}-{self.width}-{self.theme}.png"
        self.page.evaluate("window.scrollTo(0, 0)")
        # Playwright would hide the caret with inline styles, which the pages' policy forbids.
        self.page.screenshot(path=path, full_page=True, caret="initial")

    def require_fits(self) -> None:
        """The page never scrolls sideways; tables and code scroll by themselves."""
        wide = self.page.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
        assert max(wide) <= self.width, f"{self.path} is {wide} px wide: {self._widest()}"

    def _widest(self) -> Any:
        return self.page.evaluate(
            """() => [...document.querySelectorAll("body *")]
              .filter((one) => one.getBoundingClientRect().right > document.body.clientWidth)
              .filter((one) => !one.closest(".table-wrap, pre, .offcanvas-start, .sidebar"))
              .map((one) => one.outerHTML.slice(0, 120)).slice(-4)"""
        )


@dataclass(kw_only=True)
class People:
    """Makes persons on one portal and lets all of them go at the end."""

    browser: Browser
    portal: Portal
    persons: list[Person]

    def arrive(self, *, width: int = 1280, theme: str = "light", **options: Any) -> Person:
        """Someone with a fresh browser; `options` are Playwright's context options."""
        context = self.browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme="dark" if theme == "dark" else "light",
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            accept_downloads=True,
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        eyes = Eyes(context, origin=self.portal.address)
        person = Person(
            portal=self.portal, page=context.new_page(), eyes=eyes, width=width, theme=theme
        )
        self.persons.append(person)
        return person

    def require_nothing_wrong(self) -> None:
        for person in self.persons:
            person.eyes.require_nothing_wrong()

    def leave(self) -> None:
        for person in self.persons:
            person.page.context.close()
        self.persons.clear()
