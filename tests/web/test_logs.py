"""What the log does not tell, and the shape that it keeps."""

from __future__ import annotations

import logging
import logging.config
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings as configured
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.keys import KeySpec, generate_key, private_key_pem
from aggportal.web.logs import SafeLines, masked

KEY = private_key_pem(generate_key(KeySpec()))
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZ2dwb3J0YWwifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
BODY = KEY.splitlines()[1]


def line(text: str, *values: object, trouble: BaseException | None = None) -> str:
    found = SafeLines("{levelname} {name} {message}", style="{")
    told = (type(trouble), trouble, trouble.__traceback__) if trouble else None
    record = logging.LogRecord("aggportal", logging.INFO, "x.py", 1, text, values, told)
    return found.format(record)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"sent {KEY} and more",
        repr(KEY),
        KEY[: len(KEY) // 2],
        KEY.replace("EC PRIVATE", "OPENSSH PRIVATE"),
        KEY.replace("EC PRIVATE", "ENCRYPTED PRIVATE"),
    ],
)
def test_a_private_key_is_masked_wherever_it_stands(text):
    told = line("body was %s", text)
    assert BODY not in told
    assert "[hidden]" in told


@pytest.mark.parametrize(
    "text", [f"Authorization: Bearer {TOKEN}", f"bearer {TOKEN}", TOKEN, f"'token': '{TOKEN}'"]
)
def test_a_token_is_masked(text):
    assert TOKEN.split(".")[1] not in line("%s", text)
    assert "c2lnbmF0" not in line("%s", text)


def test_a_traceback_is_masked_and_cannot_pass_for_a_record():
    try:
        raise ValueError(f"{KEY}\nINFO aggportal certificate issued")
    except ValueError as error:
        told = line("fault", trouble=error)
    assert BODY not in told
    assert all(each.startswith(" ") for each in told.splitlines()[1:])


@given(st.text())
def test_whatever_is_logged_stays_one_line(text):
    told = line("asked for %s", text)
    assert told.splitlines() in ([told], [])
    assert "\x1b" not in told


def test_a_certificate_and_plain_words_are_left_as_they_are():
    for text in ("-----BEGIN CERTIFICATE-----", "the bearer of this", "ü 中文 100%"):
        assert masked(text) == text


def test_the_portals_log_is_written_so(capsys):
    chosen: dict[str, Any] = deepcopy(configured.LOGGING)
    chosen["handlers"]["stderr"]["stream"] = "ext://sys.stdout"
    chosen["root"] = {"handlers": [], "level": "INFO"}
    chosen["loggers"] = {"aggportal.tried": {"handlers": ["stderr"], "propagate": False}}
    logging.config.dictConfig(chosen)
    logging.getLogger("aggportal.tried").warning("a\r\nWARNING b %s", KEY)
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert BODY not in told
