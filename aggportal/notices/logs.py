"""Tokens of calendar feeds are part of an address; this keeps them out of the log."""

from __future__ import annotations

import logging
import re

_TOKEN = re.compile(r"(/notices/calendar/)[^/\s?\"']+(?=\.ics)")


class FeedTokensHidden(logging.Filter):
    """Puts "[hidden]" in the place of each token in a record's text and values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; every one passes."""
        if isinstance(record.msg, str):
            record.msg = _hidden(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_hidden(each) for each in record.args)
        return True


def _hidden(value: object) -> object:
    return _TOKEN.sub(r"\1[hidden]", value) if isinstance(value, str) else value
