"""What `check --deploy` says of signing in."""

from __future__ import annotations

import pytest

from aggportal.accounts.checks import a_password_is_not_all


@pytest.mark.parametrize(
    ("setting", "told"),
    [("optional", ["accounts.W001"]), ("required-for-power", []), ("required", [])],
)
def test_an_optional_second_factor_is_told_of(settings, setting: str, told: list[str]) -> None:
    settings.SECOND_FACTOR = setting
    assert [message.id for message in a_password_is_not_all()] == told
