"""What every test may use: the cast (a person of each role, a stranger without one).

The suites' own fixtures stand in the conftest.py of their folders.
"""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import pytest
from django.apps import apps
from django.core.cache import cache
from django.db.models.signals import post_migrate
from django.test import Client

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
from aggportal.ledger.apps import GUARDS
from tests.suites import (
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_runtest_makereport,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]

pytest_plugins = ["pytester"]

# How long an example takes depends on what else the machine does; benchmarks look at time.
hypothesis.settings.register_profile("portal", deadline=None)
hypothesis.settings.load_profile("portal")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Tests empty their tables between them, which the ledger's triggers refuse on purpose;
    tests/ledger/test_guards.py puts them in place.
    """
    post_migrate.disconnect(sender=apps.get_app_config("ledger"), dispatch_uid=GUARDS)


@pytest.fixture(autouse=True)
def _nobody_is_locked_out() -> None:
    """What one test fails at signing in does not count for the next."""
    cache.clear()


def _person(name: str, role: Role | None) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", "correct horse battery")
    give_role(user, role)
    return user


@pytest.fixture
def stranger(db: None) -> User:
    return _person("stranger", None)


@pytest.fixture
def viewer(db: None) -> User:
    return _person("vera", Role.VIEWER)


@pytest.fixture
def requester(db: None) -> User:
    return _person("rosa", Role.REQUESTER)


@pytest.fixture
def approver(db: None) -> User:
    return _person("abel", Role.APPROVER)


@pytest.fixture
def auditor(db: None) -> User:
    return _person("aude", Role.AUDITOR)


@pytest.fixture
def operator(db: None) -> User:
    return _person("otto", Role.OPERATOR)


@pytest.fixture
def issuer(db: None) -> User:
    return _person("ian", Role.ISSUER)


@pytest.fixture
def administrator(db: None) -> User:
    return _person("ada", Role.ADMINISTRATOR)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
