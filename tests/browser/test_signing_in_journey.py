"""Signing in as a careful person does: an app's code, a passkey, and a proof in the middle."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import expect

from tests.browser.eyes import Eyes
from tests.browser.person import HEIGHTS, PATIENCE_MS, People, Person
from tests.e2e.portal import PASSWORD, Portal

MAKE = f"""
from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
give_role(User.objects.create_user("tina", password="{PASSWORD}"), Role.ADMINISTRATOR)
"""
# As if she had signed in yesterday; the others on this portal did not.
AGE = """
from aggportal.accounts.models import User
tina = str(User.objects.get(username="tina").pk)
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    session = SessionStore(row.pk)
    if session.get("_auth_user_id") == tina and "accounts.confirmed_at" in session:
        session["accounts.confirmed_at"] -= 90000
        session.save()
"""
# A device with a screen lock, which is unlocked.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(kw_only=True)
class ByName(Portal):
    """The same portal by a name: browsers make no passkey for an IP address."""

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"


@pytest.fixture(scope="module")
def tina(people: People, portal: Portal) -> Person:
    portal.manage("shell", "-c", MAKE)
    context = people.browser.new_context(
        viewport={"width": 1280, "height": HEIGHTS[1280]}, locale="en-GB", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    named = ByName(directory=portal.directory, port=portal.port)
    eyes = Eyes(context, origin=named.address)
    person = Person(portal=named, page=context.new_page(), eyes=eyes)
    people.persons.append(person)
    device = context.new_cdp_session(person.page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return person


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def _sign_out(tina: Person) -> None:
    tina.turn(width=1280, theme="light")
    tina.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(tina.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_an_app_then_a_passkey_then_a_proof_in_the_middle(tina: Person, portal: Portal) -> None:
    page = tina.page
    tina.sign_in("tina")
    tina.go("/account/totp/")
    secret = page.locator("#totp-secret").inner_text()
    tina.look("signing-in-app")
    page.get_by_label("Code that the app shows now").fill(_code(secret))
    page.get_by_role("button", name="Set up").click()
    tina.heading("Recovery codes")
    _sign_out(tina)

    page.get_by_label("Name").fill("tina")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    tina.heading("Second step")
    tina.look_at_all_sides("signing-in-second-step")
    page.get_by_label("Code of your authenticator app").fill(_code(secret))
    page.get_by_role("button", name="Go on").click()
    tina.heading("What needs you")

    tina.go("/account/passkeys/new/")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator("#factors")).to_contain_text("“Laptop”")
    tina.look_at_all_sides("signing-in-account")
    _sign_out(tina)
    tina.look("signing-in-with-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    tina.heading("What needs you")

    tina.turn(width=1280, theme="light")
    tina.go("/authorities/new/")
    page.locator("[name=label]").fill("Proof in the middle")
    page.locator("#lane-general").check()
    page.get_by_label("Common name (CN)").fill("proof-in-the-middle-ca")
    expect(page.locator("#request-panel")).to_contain_text("CN=proof-in-the-middle-ca")
    portal.manage("shell", "-c", AGE)
    with tina.eyes.expecting(403):
        page.get_by_role("button", name="Make the authority").click()
        tina.heading("Confirm that it is you")
    tina.look_at_all_sides("signing-in-confirm")
    page.get_by_role("button", name="Confirm with a passkey").click()
    tina.heading("Proof in the middle")
