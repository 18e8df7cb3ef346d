"""A walk along the portal's pages: a person, what they keep apart by name, what they took away."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.person import Person

RECIPE = Path(__file__).parents[1] / "e2e" / "recipe"


def recipe(name: str) -> str:
    """One of the classic recipe's three JSON files."""
    return (RECIPE / name).read_text()


@dataclass(kw_only=True)
class Walk:
    """`name` sets the objects of one walk apart; `made` remembers the paths of what was made."""

    person: Person
    name: str
    folder: Path
    made: dict[str, str] = field(default_factory=dict)

    @property
    def page(self) -> Page:
        return self.person.page

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def choose_authority(self, label: str) -> None:
        """On the issue page, as one chooses from the list; the profiles follow."""
        field = self.page.locator("[name=authority]")
        option = field.locator("option", has_text=label)
        field.select_option(value=option.get_attribute("value"))
        shown = self.page.locator("[name=shown_authority]")
        expect(shown).to_have_value(option.get_attribute("value") or "")

    def arrived(self, heading: str, *, remember: str, step: str) -> None:
        """The page that a deed led to: remembered, and looked at."""
        self.person.heading(heading)
        self.made[remember] = self.person.path
        self.person.look(step)

    def take(self, button: Locator) -> Path:
        """Press what downloads; return the saved file."""
        with self.page.expect_download() as waiting:
            button.click()
        path = self.folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path
