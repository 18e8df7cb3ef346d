"""A key under a passphrase: what lies on the disk opens by the passphrase alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.vault.errors import NoKey
from aggportal.vault.passphrases import (
    Costs,
    WrongPassphrase,
    open_under,
    seal_under,
    text_of,
)

KEK = bytes(range(32))
QUICK = Costs(memory_kib=64, iterations=1)
SAID = "correct horse battery staple"


def sealed() -> str:
    """A key under `SAID`."""
    return seal_under(SAID, KEK, costs=QUICK)


def test_the_passphrase_opens_and_nothing_else_does() -> None:
    text = sealed()
    assert open_under(SAID, text) == KEK
    for wrong in ("correct horse battery stapl", SAID.upper(), f" {SAID}", "x" * 28):
        with pytest.raises(WrongPassphrase) as caught:
            open_under(wrong, text)
        assert wrong not in str(caught.value)


def test_argon2_parameters_are_recorded() -> None:
    told = json.loads(seal_under(SAID, KEK, costs=Costs(memory_kib=128, iterations=2, lanes=2)))
    assert (told["memory_kib"], told["iterations"], told["lanes"]) == (128, 2, 2)
    assert len(told["salt"]) == 24
    assert (Costs().memory_kib, Costs().iterations) == (256 * 1024, 3)


def test_the_same_passphrase_gives_another_file_each_time() -> None:
    first, second = json.loads(sealed()), json.loads(sealed())
    assert first["salt"] != second["salt"]
    assert first["sealed"] != second["sealed"]


@pytest.mark.parametrize(
    "change",
    [{"memory_kib": 65}, {"iterations": 2}, {"lanes": 2}, {"salt": "A" * 22 + "=="}, {"more": 1}],
)
def test_a_changed_parameter_does_not_open(change: dict[str, object]) -> None:
    with pytest.raises(WrongPassphrase):
        open_under(SAID, json.dumps({**json.loads(sealed()), **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1 << 40},
        {"iterations": 0},
        {"iterations": True},
        {"lanes": "1"},
        {"salt": "AAAA"},
        {"sealed": "!"},
        {"form": "another"},
    ],
)
def test_what_a_file_may_ask_is_bounded(change: dict[str, object]) -> None:
    with pytest.raises(NoKey, match="damaged"):
        open_under(SAID, json.dumps({**json.loads(sealed()), **change}))


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_a_file_of_anything_is_refused(text: str) -> None:
    with pytest.raises(NoKey):
        open_under(SAID, text)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(WrongPassphrase, match="12 characters"):
        seal_under("eleven char", KEK, costs=QUICK)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoKey, match="no key under a passphrase"):
        text_of(tmp_path / "none.json")
