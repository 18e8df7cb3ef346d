"""A sealed secret opens for its own record and key, and for nothing else."""

from __future__ import annotations

import dataclasses
import os

import pytest

from aggportal.vault.envelope import Sealed, seal, unseal
from aggportal.vault.errors import CannotOpen
from aggportal.vault.providers import LocalKey

SECRET = b"-----BEGIN PRIVATE KEY----- a canary"


@pytest.fixture
def provider() -> LocalKey:
    return LocalKey(key=os.urandom(32))


def sealed_for(context: str, provider: LocalKey) -> Sealed:
    return seal(SECRET, context=context, provider=provider)


def _with(sealed: Sealed, part: str, value: bytes) -> Sealed:
    kept = {field.name: getattr(sealed, field.name) for field in dataclasses.fields(sealed)}
    return Sealed(**{**kept, part: value})


def test_what_is_sealed_opens_again(provider: LocalKey) -> None:
    assert unseal(sealed_for("a", provider), context="a", provider=provider) == SECRET


def test_a_record_moved_to_another_row_does_not_open(provider: LocalKey) -> None:
    with pytest.raises(CannotOpen, match="changed or moved"):
        unseal(sealed_for("a", provider), context="b", provider=provider)


@pytest.mark.parametrize("part", ["ciphertext", "wrapped_key", "nonce"])
def test_a_flipped_bit_does_not_open(provider: LocalKey, part: str) -> None:
    sealed = sealed_for("a", provider)
    value = bytearray(getattr(sealed, part))
    value[-1] ^= 1
    with pytest.raises(CannotOpen):
        unseal(_with(sealed, part, bytes(value)), context="a", provider=provider)


def test_swapped_ciphertexts_do_not_open(provider: LocalKey) -> None:
    first, second = sealed_for("a", provider), sealed_for("a", provider)
    mixed = dataclasses.replace(first, ciphertext=second.ciphertext)
    with pytest.raises(CannotOpen):
        unseal(mixed, context="a", provider=provider)


def test_another_key_says_which_one_is_wanted(provider: LocalKey) -> None:
    other = LocalKey(key=os.urandom(32))
    with pytest.raises(CannotOpen, match=provider.kek_id):
        unseal(sealed_for("a", provider), context="a", provider=other)


def test_nothing_of_the_secret_or_the_keys_is_in_the_sealed_bytes_or_the_repr(
    provider: LocalKey,
) -> None:
    sealed = sealed_for("a", provider)
    everything = sealed.wrapped_key + sealed.nonce + sealed.ciphertext
    assert SECRET not in everything
    assert provider.key not in everything
    assert provider.key.hex() not in repr(provider)
    assert "ciphertext" not in repr(sealed)


def test_two_seals_of_one_secret_differ(provider: LocalKey) -> None:
    first, second = sealed_for("a", provider), sealed_for("a", provider)
    assert first.ciphertext != second.ciphertext
    assert first.wrapped_key != second.wrapped_key
