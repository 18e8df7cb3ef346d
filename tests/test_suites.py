from __future__ import annotations

import pytest

SKIPPING = """
import pytest
def test_one(): pytest.skip("no tool")
"""


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest("from tests.suites import *")
    pytester.makeini("[pytest]\nmarkers =\n    postgres\n    sqlite\n    django_db\n")
    return pytester


def run(session: pytest.Pytester, *options: str) -> pytest.RunResult:
    return session.runpytest_inprocess("-p", "no:django", "-p", "no:playwright", *options)


def test_in_ci_a_skipped_test_fails(session, monkeypatch):
    monkeypatch.setenv("CI", "true")
    session.makepyfile(SKIPPING)
    run(session).assert_outcomes(failed=1)


def test_in_ci_a_skipped_module_fails(session, monkeypatch):
    monkeypatch.setenv("CI", "true")
    session.makepyfile("import pytest\npytest.importorskip('no_such_module')\n")
    run(session).assert_outcomes(errors=1)


def test_at_home_a_skip_stays_a_skip(session, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    session.makepyfile(SKIPPING)
    run(session).assert_outcomes(skipped=1)


def test_in_ci_an_expected_failure_stays_expected(session, monkeypatch):
    monkeypatch.setenv("CI", "true")
    session.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_one(): assert False\n")
    run(session).assert_outcomes(xfailed=1)


@pytest.mark.parametrize("engine", ["postgresql", "sqlite"])
def test_a_test_about_the_other_engine_is_left_out(session, monkeypatch, engine):
    monkeypatch.setattr("tests.suites.connection.vendor", engine)
    session.makepyfile(
        "import pytest\npytestmark = pytest.mark.django_db\n"
        "@pytest.mark.postgres\ndef test_one(): pass\n"
        "@pytest.mark.sqlite\ndef test_two(): pass\n"
    )
    run(session).assert_outcomes(passed=1, deselected=1)


def test_on_postgresql_what_asks_no_database_is_left_out(session, monkeypatch):
    monkeypatch.setattr("tests.suites.connection.vendor", "postgresql")
    session.makepyfile(
        "import pytest\n"
        "@pytest.fixture\ndef db(): pass\n"
        "@pytest.mark.django_db\ndef test_one(): pass\n"
        "def test_two(db): pass\n"
        "def test_three(): pass\n"
    )
    run(session).assert_outcomes(passed=2, deselected=1)


def test_the_suites_with_servers_come_last(session):
    for folder in ["accounts", "browser", "certs", "e2e"]:
        session.mkdir(folder).joinpath(f"test_{folder}.py").write_text("def test_one(): pass\n")
    order = [line.split("/")[0] for line in run(session, "-v").outlines if "PASSED" in line]
    assert order == ["accounts", "certs", "e2e", "browser"]
