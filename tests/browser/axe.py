"""axe-core on a page: what hinders people with a screen reader, a keyboard or weak eyes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).with_name("vendor") / "axe-core" / "axe.min.js"
# What another theme can break: it changes colours and nothing else.
COLOUR_RULES = ("color-contrast", "link-in-text-block")
_RUN = """async (rules) => {
  const only = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const found = await axe.run(document, {resultTypes: ["violations"], ...only});
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) =>
      `${one.impact} ${one.id} at ${node.target.join(" ")}: ${node.failureSummary}`));
}"""


@cache
def _source() -> str:
    return AXE.read_text()


def grave_violations(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """Every serious or critical violation on the page as it stands, by default of all rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    found: list[str] = page.evaluate(_RUN, list(rules))
    return found
