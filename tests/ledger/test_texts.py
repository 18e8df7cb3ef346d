"""What stands in the ledger can be stored and read, whoever wrote the text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import aggportal
from aggportal.ledger.models import Entry
from aggportal.ledger.services import record
from aggportal.ledger.telling import ACTIONS
from aggportal.ledger.verifying import verify_chain
from aggportal.web.actors import system_actor

_RECORDED = re.compile(r'\brecord\(\s*"([a-z_]+\.[a-z_]+)"')


@pytest.mark.django_db
def test_a_strangers_text_is_stored_so_that_every_database_takes_it() -> None:
    odd = "a\x00b\ud800c"
    detail = {"certificate": odd, "names": [odd], "more": {"deep": (odd, 7, None)}}
    record("endpoint.scanned", actor=system_actor("test"), subject=("x", 1, odd), detail=detail)
    kept, plain = Entry.objects.get(), "a\ufffdb\ufffdc"
    assert kept.object_label == plain
    assert kept.detail == {
        "certificate": plain,
        "names": [plain],
        "more": {"deep": [plain, 7, None]},
    }
    assert verify_chain().broken_at is None


def test_every_deed_that_is_recorded_has_words() -> None:
    sources = Path(aggportal.__file__).parent.rglob("*.py")
    found = {name for file in sources for name in _RECORDED.findall(file.read_text())}
    assert len(found) > 20
    assert found <= ACTIONS.keys()
