"""APIServices as found: read right when right, and never a stumbling block when odd."""

from __future__ import annotations

import base64
import copy
import datetime as dt
from typing import Any

import pytest

from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.causes import classify, explain

RAW: dict[str, Any] = {
    "metadata": {
        "name": "v1beta1.metrics.k8s.io",
        "uid": "u-1",
        "resourceVersion": "42",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"},
    },
    "spec": {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 15,
        "caBundle": base64.b64encode(b"PEM").decode(),
        "service": {"namespace": "kube-system", "name": "metrics-server", "port": 8443},
    },
    "status": {
        "conditions": [
            {
                "type": "Available",
                "status": "False",
                "reason": "MissingEndpoints",
                "message": "endpoints for service/metrics-server …",
                "lastTransitionTime": "2026-01-02T03:04:06Z",
            }
        ]
    },
}


def test_a_usual_one_is_read_whole():
    found = parse_apiservice(RAW)
    assert (found.name, found.uid, found.resource_version) == (
        "v1beta1.metrics.k8s.io",
        "u-1",
        "42",
    )
    assert found.service is not None
    assert found.service.tls_name == "metrics-server.kube-system.svc"
    assert (found.service.port, found.ca_bundle) == (8443, b"PEM")
    assert (found.group_priority_minimum, found.version_priority) == (100, 15)
    assert found.availability.key == ("False", "MissingEndpoints", "no-ready-endpoints")
    assert found.availability.since == dt.datetime(2026, 1, 2, 3, 4, 6, tzinfo=dt.UTC)
    assert (found.automanaged, found.is_local, found.odd) == ("onstart", False, ())
    assert found.group_version == "metrics.k8s.io/v1beta1"


def test_without_service_it_is_local_and_without_condition_unknown():
    raw = copy.deepcopy(RAW)
    del raw["spec"]["service"], raw["status"]
    found = parse_apiservice(raw)
    assert found.is_local
    assert found.availability.key == ("Unknown", "", "not-checked")


def test_the_port_is_443_unless_said():
    raw = copy.deepcopy(RAW)
    del raw["spec"]["service"]["port"]
    service = parse_apiservice(raw).service
    assert service is not None
    assert service.port == 443


@pytest.mark.parametrize("raw", [None, 7, "x", [], {}, {"spec": [], "metadata": 1, "status": "s"}])
def test_what_is_no_object_is_odd_and_no_error(raw):
    assert parse_apiservice(raw).odd


NONSENSE: tuple[Any, ...] = (
    None, 7, -1, True, "x", "\x00", [], {}, [7], {"a": []}, 1e400, "é" * 9000,
)  # fmt: skip


def test_any_field_may_be_nonsense_and_is_named():
    for path in _paths(RAW):
        for nonsense in NONSENSE:
            raw = copy.deepcopy(RAW)
            place: Any = raw
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = nonsense
            found = parse_apiservice(raw)
            assert len(found.name) <= 4096
            assert all(str(sentence) for sentence in found.odd)


def _paths(value, path=()):
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from _paths(child, (*path, key))


URL = "https://10.0.0.1:443/apis/a/v1"
DIAL = f'failing or missing response from {URL}: Get "{URL}": '
BAD = f"failing or missing response from {URL}: bad status from {URL}: "


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (DIAL + "x509: certificate signed by unknown authority", "ca-mismatch"),
        (DIAL + "x509: certificate relies on legacy Common Name field, use SANs", "san"),
        (DIAL + "x509: certificate is valid for a, not b.svc", "san"),
        (
            DIAL + "x509: certificate has expired or is not yet valid: current time",
            "serving-expired",
        ),
        (DIAL + "x509: cannot verify signature: insecure algorithm SHA1-RSA", "sha1"),
        (BAD + "401", "proxy-cert-rejected"),
        (BAD + "403", "proxy-cert-missing"),
        (BAD + "404", "not-served"),
        (BAD + "302", "redirect"),
        (BAD + "503", "backend-error"),
        (DIAL + "Forbidden", "http-proxy"),
        (DIAL + "EOF", "http-proxy"),
        (DIAL + "dial tcp 10.0.0.1:443: connect: connection refused", "connection-refused"),
        (DIAL + "dial tcp 10.0.0.1:443: connect: no route to host", "no-route"),
        (DIAL + "dial tcp 10.0.0.1:443: i/o timeout", "timeout"),
        (DIAL + "net/http: request canceled (Client.Timeout exceeded)", "timeout"),
        (DIAL + "context deadline exceeded", "timeout"),
        ('unsupported service type "ExternalName"', "routing-mode"),
        ('cannot route to service with ClusterIP "None"', "routing-mode"),
        ('no endpoints available for service "x"', "resolver"),
        ("service unavailable", "condition"),
        ("error trying to reach service: dial tcp: connection refused", "connection-refused"),
        ("something new", "other"),
        ("", "other"),
        ("x" * 1_000_000, "other"),
    ],
)
def test_messages_are_classified(message, code):
    assert classify(message).code == code


@pytest.mark.parametrize(
    "reason", ["Local", "Passed", "ServiceNotFound", "ServicePortError", "EndpointsNotFound"]
)
def test_reasons_speak_for_themselves(reason):
    assert str(explain(reason=reason, message="whatever 401").sentence)
    assert explain(reason=reason, message="").code != "other"


def test_a_pod_that_moves_does_not_change_the_key():
    one = copy.deepcopy(RAW)
    condition = one["status"]["conditions"][0]
    condition.update(reason="FailedDiscoveryCheck", message=BAD + "401")
    two = copy.deepcopy(one)
    two["status"]["conditions"][0]["message"] = condition["message"].replace("10.0.0.1", "10.0.0.2")
    assert parse_apiservice(one).availability.key == parse_apiservice(two).availability.key
