"""kubeadm's folder is brought as an archive: found, chosen, imported, and what is next is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.certs.brought import kubeadm_folder, tarred


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = kubeadm_folder(tmp_path_factory.mktemp("kubeadm"))
    path: Path = tmp_path_factory.mktemp("brought") / "pki.tar.gz"
    path.write_bytes(tarred(folder))
    return path


def test_a_folder_is_found_chosen_and_imported(admin, archive):
    admin.follow("Authorities")
    admin.page.locator("main, header").get_by_role("link", name="Bring an authority").first.click()
    admin.heading("Bring an authority")
    admin.page.locator("[name=upload]").set_input_files(archive)
    admin.look("import-01-give")
    admin.page.get_by_role("button", name="Look at it").click()
    admin.heading("What was found")
    cards = admin.page.locator("section.card")
    proposed = cards.first
    expect(proposed).to_contain_text("front-proxy-ca.crt")
    expect(proposed.locator("[name$='-take']")).to_be_checked()
    expect(cards.nth(1).locator("[name$='-take']")).not_to_be_checked()
    admin.look_at_all_sides("import-02-found")
    admin.turn(width=360, theme="dark")
    proposed.get_by_label("Label").fill("")
    with admin.eyes.expecting(422):
        admin.page.get_by_role("button", name="Import what is ticked").click()
        expect(admin.page.locator("main")).to_contain_text("Give it a label")
        admin.look("import-03-refused")
    proposed.get_by_label("Label").fill("Front proxy of the old cluster")
    admin.page.get_by_role("button", name="Import what is ticked").click()
    admin.heading("What came in")
    admin.look_at_all_sides("import-04-result")


def test_what_came_in_is_watched_under_its_authority(admin):
    admin.turn(width=1280, theme="light")
    admin.page.get_by_role("link", name="front-proxy-client", exact=True).click()
    admin.heading("front-proxy-client")
    admin.look("import-05-watched")
    admin.page.locator("main").get_by_role(
        "link", name="Front proxy of the old cluster"
    ).first.click()
    admin.heading("Front proxy of the old cluster")
    expect(admin.page.locator("main")).to_contain_text("front-proxy-client")
