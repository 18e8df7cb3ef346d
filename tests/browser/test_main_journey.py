"""From nothing to the files and flags, as a person clicks it, in a wide and a narrow window.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import stat
import subprocess
import tarfile

import pytest
from playwright.sync_api import expect

from tests.browser.matching import holding, json_with, json_with_key
from tests.browser.person import WIDTHS
from tests.browser.walk import RECIPE, Walk, recipe
from tests.e2e import deeds

NEW_PASSWORD = "seven quiet harbours"


@pytest.fixture(scope="module", params=WIDTHS)
def walk(request, people, admin, tmp_path_factory):
    """Each width is another administrator, added on the people page by the first one."""
    width = request.param
    admin.follow("People")
    admin.page.get_by_label("Name to sign in with").fill(f"walker-{width}")
    admin.page.get_by_label("Role").select_option("administrator")
    admin.page.get_by_role("button", name="Add and show a one-time password").click()
    one_time = admin.page.locator("#one-time-password").inner_text().strip()
    person = people.arrive(width=width)
    person.sign_in(f"walker-{width}", one_time)
    person.choose_password(one_time, NEW_PASSWORD)
    return Walk(person=person, name=str(width), folder=tmp_path_factory.mktemp("taken"))


def test_a_new_administrator_lands_on_the_dashboard(walk):
    walk.person.heading("What needs you")
    expect(walk.page.locator(".figure").first).to_be_visible()
    walk.person.look("01-dashboard")


def test_the_json_follows_the_form_of_an_authority(walk):
    walk.person.follow("Authorities")
    walk.person.heading("Authorities")
    walk.page.locator("main a[href^='/authorities/new/']").first.click()
    walk.page.locator("[name=label]").fill(f"Front proxy {walk.name}")
    walk.page.locator("#lane-front-proxy").check()
    walk.page.get_by_label("Common name (CN)").fill(f"front-proxy-ca-{walk.name}")
    text = walk.page.locator("#request-text")
    expect(text).to_have_value(json_with(CN=f"front-proxy-ca-{walk.name}"))
    walk.page.locator(".segmented").get_by_text("P-384").click()
    expect(text).to_have_value(json_with(size=384))
    expect(walk.page.locator("#request-panel")).to_contain_text(f"CN=front-proxy-ca-{walk.name}")
    walk.person.look("02-authority-form")


def test_an_authority_is_made(walk):
    walk.press("Make the authority")
    walk.arrived(f"Front proxy {walk.name}", remember="front proxy", step="03-authority")


def test_the_form_follows_the_recipes_json(walk):
    walk.person.go("/authorities/new/")
    walk.page.locator("[name=label]").fill(f"Recipe {walk.name}")
    walk.page.locator("#lane-general").check()
    walk.page.locator("#request-text").fill(recipe("aggregator-ca-csr.json"))
    expect(walk.page.get_by_label("Common name (CN)")).to_have_value("aggregator")
    expect(walk.page.get_by_role("radio", name="RSA 2048")).to_be_checked()
    expect(walk.page.get_by_label("State").first).to_have_value("Shanghai")
    walk.person.look("04-authority-from-json")
    walk.press("Make the authority")
    walk.arrived(f"Recipe {walk.name}", remember="recipe", step="05-recipe-authority")


def test_broken_json_is_refused_with_its_place_and_nothing_typed_is_lost(walk):
    walk.person.go("/authorities/new/")
    text = walk.page.locator("#request-text")
    text.fill('{\n  "CN": "x",,\n}')
    expect(walk.page.locator("#request-problems")).to_contain_text("Line 2, column 13")
    expect(text).to_have_value('{\n  "CN": "x",,\n}')
    walk.person.look("06-broken-json")


def test_a_preset_is_added_to_the_profiles(walk):
    walk.person.go(walk.made["recipe"])
    walk.page.get_by_role("link", name="Edit profiles").click()
    walk.page.get_by_label("Add a profile").select_option("www")
    walk.press("Add")
    expect(walk.page.locator("#config-text")).to_have_value(json_with_key("www"))
    walk.person.look("07-profiles")


def test_the_recipes_ca_config_is_imported_and_saved(walk):
    walk.page.locator("#config-file").set_input_files(RECIPE / "aggregator-ca-config.json")
    fields = walk.page.locator("#config-fields")
    expect(fields.locator("summary .strong").first).to_have_text("aggregator")
    expect(fields.get_by_text("www", exact=True)).to_have_count(0)
    walk.press("Save profiles")
    walk.arrived(f"Recipe {walk.name}", remember="recipe", step="08-profiles-saved")
    expect(walk.page.locator("main")).to_contain_text("aggregator")


def test_panel_and_chips_follow_as_one_types(walk):
    walk.person.follow("Certificates")
    walk.person.heading("Certificates")
    walk.page.locator("main a[href^='/certificates/new/']").first.click()
    walk.choose_authority(f"Front proxy {walk.name}")
    walk.page.get_by_label("Common name (CN)").fill("front-proxy-client")
    expect(walk.page.locator("#request-panel")).to_contain_text("CN=front-proxy-client")
    walk.page.get_by_label("Hosts").fill("api.wardle.svc\n10.254.0.1\napi.wardle:443")
    chips = walk.page.locator("#request-chips")
    expect(chips.locator(".chip-ok")).to_have_count(2)
    expect(chips.locator(".chip-bad")).to_contain_text("api.wardle:443")
    walk.person.look("09-issue")


def test_a_services_names_are_filled_in(walk):
    walk.page.get_by_label("Hosts").fill("")
    walk.page.get_by_text("Fill the hosts from its Service").click()
    walk.page.get_by_label("Namespace").fill("wardle")
    walk.page.get_by_label("Service", exact=True).fill("api")
    walk.press("Add its names to the hosts")
    expect(walk.page.get_by_label("Hosts")).to_have_value(holding("api.wardle.svc"))


def test_a_proxy_client_certificate_is_issued(walk):
    walk.page.get_by_label("Hosts").fill("")
    expect(walk.page.locator("#request-chips .chip")).to_have_count(0)
    walk.press("Issue certificate")
    walk.arrived("front-proxy-client", remember="certificate", step="10-certificate")


def test_the_recipes_certificate_is_issued_from_its_json(walk):
    walk.person.go("/certificates/new/")
    walk.choose_authority(f"Recipe {walk.name}")
    expect(walk.page.get_by_label("Profile")).to_have_value("aggregator")
    expect(walk.page.locator("#issue-choices .field-errors")).to_have_count(0)
    walk.page.locator("#request-text").fill(recipe("aggregator-csr.json"))
    expect(walk.page.locator("#request-chips .chip-ok")).to_have_count(10)
    walk.person.look("11-issue-recipe")
    # Both live 87600h: made in a later minute than its authority, the certificate would outlive it.
    walk.page.get_by_text("File name, end, owner").click()
    walk.page.get_by_label("End with the authority").check()
    walk.person.look("12-issue-recipe-cut")
    walk.press("Issue certificate")
    walk.arrived("aggregator", remember="recipe certificate", step="12-recipe-certificate")


def test_the_archive_is_saved_opens_and_installs(walk):
    walk.person.go(walk.made["certificate"])
    button = walk.page.get_by_role("button", name="front-proxy-client.tar.gz")
    path = walk.take(button)
    with tarfile.open(path) as archive:
        modes = {member.name: member.mode for member in archive}
    assert modes["front-proxy-client-key.pem"] == 0o600
    assert f"front-proxy-ca-{walk.name}-key.pem" not in modes
    unpacked = deeds.unpack(path.read_bytes(), walk.folder / "unpacked")
    deeds.install(unpacked, walk.folder / "ssl")
    key = walk.folder / "ssl" / "front-proxy-client-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_single_files_secret_and_config_map_are_saved(walk):
    walk.person.go(walk.made["certificate"])
    main = walk.page.locator("main")
    pem = walk.take(main.get_by_role("link", name="front-proxy-client.pem"))
    subprocess.run(["openssl", "x509", "-noout", "-in", pem], check=True)
    key = walk.take(main.get_by_role("button", name="front-proxy-client-key.pem"))
    subprocess.run(["openssl", "pkey", "-noout", "-in", key], check=True)
    secret = walk.take(main.get_by_role("button", name="Secret (kubernetes.io/tls)"))
    assert "kind: Secret" in secret.read_text()
    config_map = walk.take(main.get_by_role("button", name="ConfigMap with the authority"))
    assert "kind: ConfigMap" in config_map.read_text()


def test_the_flags_are_rendered_for_each_way_of_installing(walk):
    walk.person.go(walk.made["certificate"])
    walk.page.get_by_role("link", name="Flags for it").click()
    result = walk.page.locator("#flags-result")
    expect(result).to_contain_text("--proxy-client-cert-file=")
    walk.person.look("13-flags")
    chosen, *others = result.locator("nav a").all_inner_texts()
    # The chosen one comes last: a click on it changes nothing that could be waited for.
    for tab in [*others, chosen]:
        result.locator("nav").get_by_role("link", name=tab, exact=True).click()
        expect(result.locator("nav a.active")).to_have_text(tab)
        expect(result.locator(".code pre").first).not_to_be_empty()
        walk.person.require_fits()


def test_the_flags_are_copied_and_downloaded(walk):
    walk.person.go(walk.made["certificate"])
    walk.page.get_by_role("link", name="Flags for it").click()
    result = walk.page.locator("#flags-result")
    result.get_by_role("button", name="Copy").first.click()
    expect(walk.page.locator("#announcer")).to_have_text("Copied")
    copied = walk.page.evaluate("navigator.clipboard.readText()")
    saved = walk.take(result.locator("a[download]").first)
    assert saved.read_text().strip() == copied.strip()
    assert "--requestheader-client-ca-file=" in copied


def test_flags_that_would_not_work_are_refused_beside_the_choice(walk):
    with walk.person.eyes.expecting(422):
        walk.page.get_by_label("Directory").fill("not/absolute")
        result = walk.page.locator("#flags-result")
        expect(result).to_contain_text("nobody behind it would believe")
    walk.person.look("14-flags-refused")


def test_what_was_done_is_in_the_audit_and_its_csv(walk):
    walk.person.follow("Audit")
    walk.page.locator("[name=text]").fill(f"Recipe {walk.name}")
    walk.press("Filter")
    rows = walk.page.locator("#entry-table tbody tr")
    expect(rows.filter(has_text=f"walker-{walk.name}").first).to_be_visible()
    walk.person.look("15-audit")
    saved = walk.take(walk.page.get_by_role("link", name="Download as CSV"))
    lines = saved.read_text().splitlines()
    assert len(lines) > 1
    assert all(f"Recipe {walk.name}" in line for line in lines[1:])
