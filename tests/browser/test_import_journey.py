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
    expect(admin.page.locator("[name=a0-take]")).to_be_checked()
    expect(admin.page.locator("[name=a1-take], [name=a2-take]").first).not_to_be_checked()
    admin.look_at_all_sides("import-02-found")
    admin.turn(width=1280, theme="light")
    admin.page.locator("[name=a0-label]").fill("")
    with admin.eyes.expecting(422):
        admin.page.get_by_role("button", name="Import what is ticked").click()
        expect(admin.page.locator("main")).to_contain_text("Give it a label")
        admin.look_at_all_sides("import-03-refused")
    admin.turn(width=1280, theme="light")
    admin.page.locator("[name=a0-label]").fill("Front proxy of the old cluster")
    admin.page.get_by_role("button", name="Import what is ticked").click()
    admin.heading("What came in")
    admin.look_at_all_sides("import-04-result")


def test_what_came_in_signs_and_is_watched(admin):
    admin.turn(width=1280, theme="light")
    admin.page.get_by_role("link", name="Front proxy of the old cluster").click()
    admin.heading("Front proxy of the old cluster")
    expect(admin.page.locator("main")).to_contain_text("front-proxy-client")
    admin.go("/certificates/?q=front-proxy-client")
    admin.page.locator("main").get_by_role("link", name="front-proxy-client").first.click()
    admin.heading("front-proxy-client")
    admin.look("import-05-watched")
