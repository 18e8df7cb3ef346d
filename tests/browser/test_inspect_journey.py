"""A keystore is taken from a certificate's page, and whatever one has is looked at."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import furnish_certificates
from tests.browser.person import THEMES, WIDTHS
from tests.pki.certificates_made import authority, serving

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def made(visitor):
    return furnish_certificates(visitor)


@pytest.fixture(scope="module")
def keystore(admin, made, tmp_path_factory):
    admin.go(made["certificate"])
    admin.page.get_by_text("PKCS#12 and JKS, for Java").click()
    admin.page.locator("[name=passphrase]").fill(PASSPHRASE)
    admin.page.locator("[name=again]").fill(PASSPHRASE)
    admin.look("inspect-01-keystore")
    with admin.page.expect_download() as waiting:
        admin.page.locator("button[formaction$='keystore.p12']").click()
    path = tmp_path_factory.mktemp("taken") / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_a_keystore_that_was_taken_is_known_again(admin, keystore):
    admin.follow("Inspect")
    admin.heading("Inspect")
    admin.page.locator("[name=upload]").set_input_files(keystore)
    admin.page.locator("[name=passphrase]").fill(PASSPHRASE)
    admin.page.get_by_role("button", name="Inspect").click()
    main = admin.page.locator("main")
    expect(main).to_contain_text("It belongs to what was given too: Certificate")
    expect(main).to_contain_text("We issued it:")
    expect(main).to_contain_text("It is the certificate of our authority")
    for theme in THEMES:
        for width in WIDTHS:
            admin.turn(width=width, theme=theme)
            admin.look("inspect-02-keystore")


def test_a_dropped_file_lands_in_the_form(admin):
    admin.turn(width=1280, theme="light")
    admin.go("/inspect/")
    pem = serving(authority("stranger-ca"), aki=False).facts.pem
    admin.page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "theirs.pem"));
          const place = document.querySelector("[data-drop-files]");
          place.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        pem,
    )
    admin.page.get_by_role("button", name="Inspect").click()
    main = admin.page.locator("main")
    expect(main).to_contain_text("None of our authorities signed it")
    expect(main).to_contain_text("pkix.authority_key_identifier_extension_absent")
    for summary in admin.page.locator("details > summary").all():
        summary.click()
    admin.look("inspect-03-stranger")


def test_nothing_at_all_is_refused_beside_the_field(admin):
    admin.go("/inspect/")
    with admin.eyes.expecting(422):
        admin.page.get_by_role("button", name="Inspect").click()
        expect(admin.page.locator("main")).to_contain_text("There is nothing to look at")
    admin.turn(width=360, theme="dark")
    admin.look("inspect-04-empty")
