"""Markup and characters that turn the reading direction, in every text field of every form.

That no dialog opens, no script runs and no policy is broken is watched by the eyes of the suite.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.furnishing import ECDSA, ca_request, furnish_certificates
from tests.browser.test_every_page import PAGES
from tests.e2e import deeds

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
BIDI = "abc\u202etxt.exe"
TEXTS = {"markup": IMAGE + SCRIPT, "bidi": BIDI}
FORMS = [
    "/authorities/new/",
    "/certificates/new/",
    "{authority}profiles/",
    "{authority}",
    "{certificate}",
    "/flags/",
    "/people/",
    "/account/password/",
    "/certificates/",
    "/audit/",
    "/clusters/new/",
    "/notices/channels/new/email/",
    "/notices/channels/new/webhook/",
    "/notices/policies/others/",
    "/clusters/new/?way=token",
]
REFUSALS = (403, 404, 409, 422)
_FIELDS = "main form input:not([type]), main form input[type=text], main form input[type=search], "
FIELDS = _FIELDS + "main form input[type=password], main form textarea"


@pytest.fixture(scope="module")
def made(visitor):
    slug = deeds.make_authority(
        visitor, label="Hostile", lane="front-proxy", request=ca_request("hostile-ca")
    )
    issued = deeds.issue(
        visitor,
        authority=slug,
        profile="front-proxy-client",
        request=json.dumps({"CN": "hostile", "key": ECDSA}),
    )
    return {"authority": f"/authorities/{slug}/", "certificate": issued.path}


def fill_all(person, text):
    """Type the text into every text field that can be typed into; return how many there were."""
    person.page.evaluate(
        "for (const one of document.querySelectorAll('main details')) one.open = true"
    )
    fields = [one for one in person.page.locator(FIELDS).all() if one.is_editable()]
    visible = [one for one in fields if one.is_visible()]
    for one in visible:
        one.fill(text)
    return len(visible)


def send(page):
    """Press the page's last visible button that leads to a page; the flags page has none, it
    follows by itself.
    """
    form = "main form:not([data-download])"
    buttons = page.locator(f"{form} button[type=submit]:visible, {form} .btn-primary:visible")
    if buttons.count():
        with page.expect_navigation():
            buttons.last.click()


def require_inert(page):
    """Nothing that was typed became an element, and nothing turns the reading direction."""
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script", has_text="alert(1)").count() == 0
    shown = page.evaluate("document.body.innerText")
    assert "\u202e" not in shown


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_in_every_field_stays_text(admin, made, path, text):
    page = admin.page
    with admin.eyes.expecting(*REFUSALS):
        admin.go(path.format(**made))
        assert fill_all(admin, text) > 0
        page.wait_for_timeout(600)  # what follows as one types has come
        require_inert(page)
        send(page)
        page.wait_for_load_state()
        require_inert(page)


@pytest.mark.parametrize("text", [SCRIPT, IMAGE], ids=["script", "image"])
def test_an_authority_named_in_markup_is_shown_as_written(admin, visitor, text):
    slug = deeds.make_authority(
        visitor, label=text, lane="serving", request=ca_request(f"{text} ca")
    )
    for path in (f"/authorities/{slug}/", "/authorities/", "/", "/audit/", "/search/?q=alert"):
        admin.go(path)
        expect(admin.page.locator("main")).to_contain_text(text)
        require_inert(admin.page)
        admin.require_fits()


# What forms and files would refuse, as if it had come in all the same: straight into the rows.
POISON = """
from django.apps import apps
from django.db import models
text = {text!r}
fixed = {{"slug", "pem", "spec", "config", "sha256", "serial", "der", "file_base", "key_text"}}
rows = {rows!r}
for label, pks in rows.items():
    model = apps.get_model(label)
    for field in model._meta.fields:
        free = isinstance(field, (models.CharField, models.TextField)) and not field.choices
        if free and not field.unique and not any(word in field.name for word in fixed):
            new = {{field.name: text[: field.max_length or 300]}}
            model.objects.filter(pk__in=pks).update(**new)
"""


def test_xss_corpus_in_browser(admin, visitor, portal):
    """Every page of the URLconf about things whose every text is hostile."""
    made = furnish_certificates(visitor)
    made["run"] = deeds.renew_all_of(visitor, made["serving"]).path
    number = {name: path.strip("/").split("/")[-1] for name, path in made.items()}
    rows = {
        "certs.Certificate": [number["certificate"], number["served"]],
        "certs.SigningRequest": [number["request"]],
        "certs.OwnRequest": [number["own"]],
    }
    text = f"{BIDI} {IMAGE}{SCRIPT}{{{{7*7}}}}'\"--"
    portal.manage("shell", "-c", POISON.format(text=text, rows=rows))
    shown = 0
    for path in PAGES.values():
        admin.go(path.format(**made))
        require_inert(admin.page)
        admin.require_fits()
        shown += "onerror=alert(1)" in admin.page.inner_text("main")
    assert shown > 10
