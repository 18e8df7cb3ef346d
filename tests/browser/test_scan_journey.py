"""An endpoint is scanned, and the answer reads well at every width and in both themes."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.pki.certificates_made import authority, make, serving
from tests.tls.servers import openssl_server


def test_an_endpoint_is_scanned_and_explained(admin, tmp_path):
    root = authority("serving-ca")
    middle, front = make("between", by=root, is_ca=True), authority("front-proxy-ca")
    admin.follow("Scan")
    admin.heading("Scan")
    with openssl_server(
        tmp_path, serving(middle), "-Verify", "3", chain=(root, middle), asks_for=(front,)
    ) as port:
        admin.page.get_by_label("Host and port").fill(f"https://127.0.0.1:{port}/healthz")
        admin.page.get_by_label("Must hold for").fill("api.wardle.svc")
        admin.page.get_by_role("button", name="Scan", exact=True).click()
        main = admin.page.locator("main")
        expect(main).to_contain_text("It holds for api.wardle.svc.")
    expect(main).to_contain_text("The order is wrong: number 2, 3")
    expect(main).to_contain_text("ends the connection without one")
    expect(main).to_contain_text("CN=front-proxy-ca")
    expect(main.locator("tbody tr").first).to_contain_text(re.compile(r"TLS 1\.3\s+yes"))
    admin.look_at_all_sides("scan-01-answer")


def test_what_is_refused_is_said_beside_the_field(admin):
    admin.turn(width=1280, theme="light")
    admin.go("/scan/?host=a.example:22")
    field = admin.page.get_by_label("Host and port")
    expect(field).to_have_value("a.example:22")
    with admin.eyes.expecting(422):
        admin.page.get_by_role("button", name="Scan", exact=True).click()
        expect(admin.page.locator("#id_target_error")).to_contain_text(
            "does not connect to port 22"
        )
    admin.look("scan-02-refused")
