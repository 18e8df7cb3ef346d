"""Documents survive the way into YAML and back, whatever they hold."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aggportal.kube.manifests import dump_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=12,
)


@given(VALUES)
def test_a_document_comes_back_as_it_went(document: object) -> None:
    assert yaml.safe_load(dump_yaml(document)) == document


@pytest.mark.parametrize(
    "word",
    ["1e3", "0x1F", "0o7", "y", "No", "on", "null", "~", ".inf", "Infinity", "12:30", "", " a"],
)
def test_a_word_that_another_reader_could_take_for_a_number_is_quoted(word: str) -> None:
    assert dump_yaml({"key": word}) == f"key: {json.dumps(word)}\n"


def test_a_long_value_stays_on_its_line() -> None:
    assert dump_yaml({"key": "word " * 100}).count("\n") == 1


def test_documents_keep_their_order_and_are_separated() -> None:
    assert dump_yaml({"b": "x", "a": "y-z"}, {"c": 1}) == "b: x\na: y-z\n---\nc: 1\n"


def test_a_value_used_twice_is_written_twice() -> None:
    shared = {"name": "pki"}
    assert dump_yaml([shared, shared]) == "- name: pki\n- name: pki\n"
