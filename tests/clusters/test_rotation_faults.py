"""A fault in a look at a rotation."""

from __future__ import annotations

import logging

from aggportal.clusters.services import rotation_watch


def test_a_fault_is_logged_and_ends_the_look_alone(monkeypatch, caplog):
    def fault(pk, **how):
        raise TypeError("inner words")

    monkeypatch.setattr(rotation_watch, "watch_rotation", fault)
    monkeypatch.setattr("django.db.connection.close", lambda: None)
    with caplog.at_level(logging.ERROR, logger="aggportal.worker"):
        rotation_watch.RotationWatcher()._watch(7)
    assert "rotation 7 is not looked at: a fault of the portal" in caplog.text
