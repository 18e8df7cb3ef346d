"""The picture in the README: `make screenshot` makes it anew in a portal of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import AGGREGATED, ECDSA, furnish_certificates, furnish_cluster
from tests.browser.person import ARTEFACTS
from tests.e2e import deeds

SERVED = {
    "metrics.monitoring.svc": "extension-serving",
    "adapter.monitoring.svc": "ninety-days",
    "api.wardle.svc": "five-months",
}
LIVES = {"extension-serving": "8760h", "ninety-days": "2160h", "five-months": "3650h"}
PLACE = Path(os.environ.get("AGGPORTAL_SCREENSHOT") or ARTEFACTS / "screenshot.png")


@pytest.fixture(scope="module")
def house(visitor):
    """Authorities and certificates as an operator would have them."""
    made = furnish_certificates(visitor)
    slug = made["serving"].strip("/").split("/")[-1]
    usages = ["signing", "key encipherment", "server auth"]
    profiles = {name: {"usages": usages, "expiry": life} for name, life in LIVES.items()}
    config = {"signing": {"default": {"expiry": "168h"}, "profiles": profiles}}
    deeds.set_profiles(visitor, slug, json.dumps(config))
    for name, profile in SERVED.items():
        request = json.dumps({"CN": name, "hosts": [name], "key": ECDSA})
        deeds.issue(visitor, authority=slug, profile=profile, request=request)
    return made


def test_the_dashboard_as_screenshot(admin, visitor, house, control_plane):
    for name in ("prod-shanghai", "prod-beijing"):
        furnish_cluster(visitor, control_plane, name=name, authority=house["serving"])
    admin.go("/clusters/prod-shanghai/")
    expect(admin.page.locator("#apiservice-table")).to_contain_text(AGGREGATED)
    admin.go("/")
    expect(admin.page.locator("main")).to_contain_text("prod-shanghai")
    expect(admin.page.locator("main table .state-bad")).to_have_count(2)
    admin.page.set_viewport_size({"width": 1280, "height": 800})
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    admin.page.screenshot(path=PLACE, caret="initial")
    assert PLACE.stat().st_size > 10_000
