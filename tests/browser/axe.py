"""axe-core on a page: what hinders people with a screen reader, a keyboard or weak eyes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).with_name("vendor") / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) =>
      `${one.impact} ${one.id} at ${node.target.join(" ")}: ${node.failureSummary}`));
}"""


@cache
def _source() -> str:
    return AXE.read_text()


def grave_violations(page: Page) -> list[str]:
    """Every serious or critical violation on the page as it is shown now."""
    page.evaluate(_source())
    found: list[str] = page.evaluate(_RUN)
    return found
