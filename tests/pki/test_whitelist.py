"""name_whitelist: RE2's meaning in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggportal.pki.errors import InvalidField
from aggportal.pki.whitelist import compile_whitelist

PATTERNS = [
    r"^([a-z0-9-]+\.)+example\.com$",
    "kube",
    r"a{2,3}b|[^x-z\d]$",
    "^$",
    "",
    r"\bfoo\b",
    "(?:a|b)*c?$",
    "a.c",
    r"[\]\-a]{2}",
    r"^(a|ab)(c|bcd)$",
    "x*?y+?",
    r"[a\-c]",
    "a{0}b",
    r"\Aab\z",
    "(|a)+$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(alphabet="abcxyz019.-]{,3} foe\n", max_size=12))
def test_it_finds_what_pythons_re_finds(pattern, text):
    python = re.sub(r"\$", r"\\Z", pattern).replace(r"\z", r"\Z")
    assert compile_whitelist(pattern).matches(text) == bool(re.search(python, text))


def test_case_may_be_folded():
    assert compile_whitelist("(?i)^KUBE").matches("kube-1")
    assert not compile_whitelist("^KUBE").matches("kube-1")


def test_an_evil_expression_takes_no_time():
    begin = time.perf_counter()
    assert not compile_whitelist("(a|a|aa)+$").matches("a" * 2000 + "!")
    assert time.perf_counter() - begin < 30  # backtracking would take for ever


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a**",
        "[a",
        "\\",
        r"\1",
        "(?=a)",
        "(?<!a)",
        "*a",
        "(a{50}){50}",
        "((){1000}){1000}",
        "a{9999}",
        "a{3,2}",
        "[z-a]",
        r"\pL",
        "[[:alpha:]]",
        "(" * 100 + ")" * 100,
        "a" * 600,
    ],
)
def test_what_is_no_expression_or_too_large_is_refused(pattern):
    with pytest.raises(InvalidField):
        compile_whitelist(pattern)
