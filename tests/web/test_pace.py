"""How often a person may do what is costly."""

from __future__ import annotations

import pytest

from aggportal.web import pace

pytestmark = pytest.mark.django_db
BUNDLE, INSPECT = "/bundle/", "/inspect/"


@pytest.fixture(autouse=True)
def _three_a_minute(settings):
    pace.forget_all()
    settings.COSTLY_PER_MINUTE = 3
    yield
    pace.forget_all()


def test_one_person_may_do_so_many_costly_things_a_minute(client_of, viewer, monkeypatch):
    client, now = client_of(viewer), [1000.0]
    monkeypatch.setattr("aggportal.web.pace.time.monotonic", lambda: now[0])
    given = [client.post(path, {"text": "x"}).status_code for path in (BUNDLE, INSPECT, BUNDLE)]
    assert 429 not in given
    answer = client.post(INSPECT, {"text": "x"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "61")
    assert "3 times within a minute" in answer.content.decode()
    now[0] += 61
    assert client.post(INSPECT, {"text": "x"}).status_code != 429


def test_looking_is_not_counted_and_others_are_not_kept_waiting(client_of, viewer, issuer):
    client = client_of(viewer)
    for _ in range(6):
        assert client.get(INSPECT).status_code == 200
    for _ in range(4):
        last = client.post(INSPECT, {"text": "x"})
    assert last.status_code == 429
    assert client_of(issuer).post(INSPECT, {"text": "x"}).status_code != 429


@pytest.mark.parametrize(
    "path",
    [
        "/certificates/new/", "/requests/new/", "/requests/own/new/", "/authorities/new/",
        "/authorities/import/", "/certificates/import/", "/certificates/import/certdb/",
        INSPECT, BUNDLE,
    ],
)  # fmt: skip
def test_what_is_costly_is_marked(client_of, administrator, path):
    client = client_of(administrator)
    for _ in range(3):
        client.post(INSPECT, {"text": "x"})
    assert client.post(path, {}).status_code == 429
