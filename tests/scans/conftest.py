"""Fixtures of the scans' tests."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def nothing_is_connected(monkeypatch):
    """Fail where anything connects, and tell nobody by name."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"connected to {args}")

    monkeypatch.setattr(socket, "create_connection", refuse)
