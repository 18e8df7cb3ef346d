"""Which metrics APIs are scaled by, and in how many namespaces."""

from __future__ import annotations

import pytest

from aggportal.doctor.impact import _scaled


def scaler(namespace, *types, **spec):
    metrics = {"metrics": [{"type": each} for each in types]} if types else {}
    return {"metadata": {"namespace": namespace, "name": "web"}, "spec": {**metrics, **spec}}


def test_namespaces_are_counted_once_for_each_api():
    found = _scaled([scaler("a"), scaler("a"), scaler("b", "Resource", "Pods"), scaler("c")])
    told = [
        (each.params["group"], each.params["count"], each.params["namespaces"]) for each in found
    ]
    assert told == [("custom.metrics.k8s.io", 1, 1), ("metrics.k8s.io", 4, 3)]


@pytest.mark.parametrize("odd", [{"spec": 7}, {"spec": {"metrics": [7, {"type": []}]}}, {}])
def test_odd_objects_stop_nothing(odd):
    assert len(_scaled([odd])) == 1


def test_none_say_nothing():
    assert _scaled([]) == ()
