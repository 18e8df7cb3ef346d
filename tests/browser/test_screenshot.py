"""The picture in the README: `make screenshot` makes it anew in a portal of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import ECDSA, connect_cluster, furnish_certificates, register_unserved
from tests.browser.person import ARTEFACTS
from tests.e2e import deeds

SERVED = {
    "metrics.monitoring.svc": "extension-serving",
    "adapter.monitoring.svc": "ninety-days",
    "api.wardle.svc": "five-months",
}
LIVES = {"extension-serving": "8760h", "ninety-days": "2160h", "five-months": "3650h"}
FAILING = "v1beta1.external.metrics.example.com"
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
    connect_cluster(visitor, control_plane, name="prod-beijing")
    path = connect_cluster(visitor, control_plane, name="prod-shanghai")
    register_unserved(
        visitor, control_plane, cluster=path, apiservice=FAILING, authority=house["serving"]
    )
    for name in ("prod-beijing", "prod-shanghai"):
        admin.go(f"/clusters/{name}/")
        table = admin.page.locator("#apiservice-table")
        expect(table.locator("tr", has_text=FAILING).locator(".state-bad")).to_be_visible()
    admin.go("/")
    expect(admin.page.locator("main")).to_contain_text("prod-shanghai")
    admin.page.set_viewport_size({"width": 1280, "height": 800})
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    admin.page.screenshot(path=PLACE, caret="initial")
    assert PLACE.stat().st_size > 10_000
