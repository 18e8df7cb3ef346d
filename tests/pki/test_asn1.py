"""The small DER reader: exact, bounded, and quiet about nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggportal.pki.asn1 import MAX_DEPTH, InvalidDer, dotted, read_der
from aggportal.pki.asn1text import MAX_LINES, structure_text
from tests.pki.certificates_made import authority
from tests.pki.der_made import integer, octets, oid, sequence, tlv

DER = authority().facts.der


def test_a_certificate_has_three_parts():
    assert read_der(DER).tags == (0x30, 0x30, 0x03)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02",
        b"\x30\x00x",
        b"\x02\x85\0\0\0\0\1x",
        b"\x04\x80x\0\0",
        b"\x30\x80\x02\x01",
        b"\x1f\xff\xff",
        DER[:-1],
        DER + b"\0",
    ],
)
def test_what_is_not_whole_is_refused(data: bytes):
    with pytest.raises(InvalidDer):
        read_der(data)


def test_lengths_without_a_number_are_understood():
    node = read_der(b"\x30\x80\x02\x01\x05\x00\x00")
    assert node.children[0].body == b"\x05"


@pytest.mark.parametrize("wrap", [lambda body: tlv(0x30, body), lambda body: b"\x30\x80" + body])
def test_depth_is_bounded(wrap):
    data = b""
    for _ in range(5000):
        data = wrap(data)
    with pytest.raises(InvalidDer, match="nested deeper"):
        read_der(data)


def test_width_is_bounded_and_quick():
    begun = time.monotonic()
    with pytest.raises(InvalidDer, match="more parts"):
        read_der(sequence(b"\x05\x00" * 200_000))
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("text", ["2.5.29.19", "1.2.840.113549.1.1.11", "2.999.3", "0.9.2342.1"])
def test_an_identifier_reads_as_it_was_written(text: str):
    assert dotted(oid(text)[2:]) == text


def test_the_text_names_what_it_can_and_shows_the_rest_as_hex():
    text = structure_text(read_der(DER))
    assert "OBJECT IDENTIFIER 2.5.29.19 (basicConstraints)" in text
    assert "UTF8String aggregator-ca" in text
    assert "OCTET STRING holds" in text
    odd = sequence(integer(2**70), octets(b"\xde\xad"), tlv(0x88, b"\x01"), tlv(0x0C, b"\xff"))
    lines = structure_text(read_der(odd)).splitlines()
    assert lines[2:] == ["  OCTET STRING de:ad", "  [8] 01", "  UTF8String \\xff"]


def test_a_long_structure_is_cut():
    text = structure_text(read_der(sequence(*[integer(1)] * (MAX_LINES + 5))))
    assert text.count("\n") == MAX_LINES
    assert text.endswith("…")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(DER) - 1), st.binary(min_size=1, max_size=4))
def test_whatever_is_damaged_reads_or_is_refused(place: int, harm: bytes):
    try:
        node = read_der(DER[:place] + harm + DER[place + len(harm) :])
    except InvalidDer:
        return
    assert structure_text(node)
    assert MAX_DEPTH < 100
