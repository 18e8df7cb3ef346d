"""JSON texts that are wrong say where."""

from __future__ import annotations

import pytest

from aggportal.pki.errors import InvalidJson
from aggportal.pki.jsontext import dump_json, parse_json


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ('{"CN": "a",\n "hosts": [1,]}', 2, 13, "comma"),
        ('{\n "CN" "a"}', 2, 7, "colon"),
        ('{\n "CN": }', 2, 8, "value"),
        ('{"a": 1} x', 1, 10, "ended"),
        ('{"a": "x', 1, 7, "never closed"),
        ('{"a": "x\ny"}', 1, 9, "line break"),
        ('{"a": 1,\n "b": {"c": 1,\n "c": 2}}', 3, 2, "twice"),
        ('{"a": 1,\n "\\u0061": 2}', 2, 2, "twice"),
        ('{"a":\nNaN}', 2, 1, "NaN"),
        ('{"a": -Infinity}', 1, 7, "Infinity"),
        ('{"a": 1e999}', 1, 7, "large"),
        ('{"a": ' + "9" * 5000 + "}", 1, 7, "large"),
        ('{"a":' + "[" * 30 + "]" * 30 + "}", 1, 25, "levels"),
        ("[" * 60000, 1, 21, "levels"),
        ("", 1, 1, "empty"),
        ("[]", 1, 1, "object"),
        ("{" + " " * 70000 + "}", 0, 0, "64 kB"),
    ],
)
def test_a_broken_text_is_refused_with_line_and_column(text, line, column, word):
    with pytest.raises(InvalidJson) as refusal:
        parse_json(text)
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert word in str(refusal.value)


def test_an_unterminated_string_of_escapes_is_refused_quickly():
    with pytest.raises(InvalidJson):
        parse_json('"' + '\\"' * 30000)


def test_repeated_keys_in_different_objects_are_fine():
    document = {"a": {"k": 1}, "b": [{"k": 2}, {"k": ":{"}]}
    assert parse_json(dump_json(document)) == document
