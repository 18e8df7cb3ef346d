"""Fixtures of the browser suite; it is skipped, with the reason, where chromium is missing.

The portal runs for real beside the tests. Every person's browser is watched: what goes wrong in
it fails the test in which it was seen.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.person import PATIENCE_MS, People, Person
from tests.e2e.control_plane import ControlPlane, missing_programs, programs_directory
from tests.e2e.portal import PASSWORD, Portal
from tests.e2e.visitor import Visitor

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _django_beside_an_event_loop() -> Iterator[None]:
    """Playwright keeps an event loop in this process, which Django would take for async code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: run `make browser`")
    return {**browser_type_launch_args, "executable_path": str(CHROMIUM), "args": ARGUMENTS}


@pytest.fixture(scope="package")
def portal(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Web and worker with data of their own, one for a module."""
    portal = Portal(directory=tmp_path_factory.mktemp("portal"))
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture(scope="package")
def people(browser: Browser, portal: Portal) -> Iterator[People]:
    """Makes persons; those of a module live until its end."""
    people = People(browser=browser, portal=portal, persons=[])
    yield people
    people.leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    people = getattr(item, "funcargs", {}).get("people")
    if report.when == "call" and report.failed and people is not None:
        for number, person in enumerate(people.persons):
            person.picture(f"failed-{item.name.replace('/', '-')}-{number}")
    return report


@pytest.fixture(autouse=True)
def _nothing_goes_wrong_in_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: no console error, no failed request, nothing that left the origin."""
    if "admin" in request.fixturenames:
        request.getfixturevalue("admin").turn(width=1280, theme="light")
    yield
    if "people" in request.fixturenames:
        request.getfixturevalue("people").require_nothing_wrong()


@pytest.fixture(scope="package")
def admin(people: People) -> Person:
    """The first administrator at a wide window, signed in with a password of their own."""
    person = people.arrive()
    person.sign_in(password=people.portal.one_time)
    person.choose_password(people.portal.one_time)
    return person


@pytest.fixture(scope="module", autouse=True)
def _wide_and_light_at_first(admin: Person) -> None:
    """A module begins as one sits down, whatever width and theme the one before left behind."""
    admin.turn(width=1280, theme="light")


@pytest.fixture
def onlooker(people: People, admin: Person) -> Iterator[Person]:
    """The administrator's session in another window, for one test."""
    person = people.arrive(storage_state=admin.page.context.storage_state())
    yield person
    person.eyes.require_nothing_wrong()
    people.persons.remove(person)
    person.page.context.close()


@pytest.fixture(scope="package")
def visitor(portal: Portal, admin: Person) -> Visitor:
    """The first administrator without a browser: sets up in no time what a page needs."""
    visitor = Visitor(portal.address)
    at = visitor.open("/login/")
    at = visitor.send(at, at.page.forms[0], username="admin", password=PASSWORD)
    assert at.path == "/", at.page.text[:400]
    return visitor


@pytest.fixture(scope="package")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real kube-apiserver for the module."""
    if missing := missing_programs():
        pytest.skip(
            f"no {', '.join(missing)} in {programs_directory()}: "
            "run `make control-plane` or set KUBEBUILDER_ASSETS"
        )
    plane = ControlPlane(directory=tmp_path_factory.mktemp("plane"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()
