"""A signing request of somebody else, from the text area to its certificate, and one that is
rejected.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import furnish_certificates
from tests.pki.csrs_made import csr, der, pem, sans, unknown

NAMES = sans("api.wardle.svc")


@pytest.fixture(scope="module")
def made(visitor):
    return furnish_certificates(visitor)


@pytest.fixture
def compared(admin):
    return admin.page.locator("#asked-compare")


def test_the_comparison_follows_what_is_pasted(admin, made, compared):
    admin.go("/requests/new/")
    admin.page.locator("[name=authority]").select_option(label="Serving 2026")
    expect(admin.page.locator("[name=profile]")).to_have_value("extension-serving")
    admin.page.locator("[name=csr]").fill("no request at all")
    expect(compared).to_contain_text("This is not PEM")
    admin.page.locator("[name=csr]").fill(pem(csr(NAMES, unknown(), subject=[("CN", "mine")])))
    expect(compared).to_contain_text("1.3.6.1.4.1.99999.7")
    expect(compared).to_contain_text("no copy_extensions")
    admin.look("request-01-compared")


def test_it_is_handed_in_and_waits(admin, made):
    admin.page.get_by_role("button", name="Hand in").click()
    expect(admin.page.locator("h1")).to_have_text("mine")
    expect(admin.page.locator(".lead-line")).to_contain_text("waits for a decision")
    expect(admin.page.locator(".nav-count")).to_be_visible()


def test_a_change_is_compared_at_once_and_signed(admin, made, compared):
    admin.page.locator("[name=hosts]").fill("metrics.wardle.svc")
    expect(compared).to_contain_text("DNS metrics.wardle.svc")
    expect(compared).to_contain_text("Replaced by whoever decides")
    admin.look("request-02-changed")
    admin.page.get_by_role("button", name="Sign", exact=True).click()
    admin.page.wait_for_url(re.compile(r"/certificates/\d+/"))
    expect(admin.page.locator("main")).to_contain_text("metrics.wardle.svc")
    expect(admin.page.locator("main")).to_contain_text("never came here")
    admin.look("request-03-certificate")


def test_a_file_in_der_is_compared_and_rejected_with_a_reason(admin, made, compared):
    admin.go("/requests/new/")
    asked = der(csr(NAMES, subject=[("CN", "theirs")]))
    file = {"name": "a.csr", "mimeType": "application/pkcs10", "buffer": asked}
    admin.page.locator("[name=file]").set_input_files(file)
    expect(compared).to_contain_text("CN=theirs")
    admin.page.get_by_role("button", name="Hand in").click()
    expect(admin.page.locator("h1")).to_have_text("theirs")
    admin.page.locator("[name=reason]").fill("Ask for another name.")
    admin.page.get_by_role("button", name="Reject").click()
    expect(admin.page.locator("main")).to_contain_text("Ask for another name.")
    expect(admin.page.locator(".lead-line")).to_contain_text("rejected")
    admin.look("request-04-rejected")
