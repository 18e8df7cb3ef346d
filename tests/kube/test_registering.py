"""Registrations: the API's rules and ours, said field by field."""

from __future__ import annotations

import base64
import dataclasses

import pytest
from kubernetes import client as official

from aggportal.kube.apiservices import parse_apiservice
from aggportal.kube.errors import InvalidRegistrations, TakeoverRefused
from aggportal.kube.registering import (
    BUILT_IN_GROUPS,
    Registration,
    build_manifest,
    require_may_delete,
    require_may_register,
    require_valid,
)

GOOD = Registration(
    group="wardle.example.com", version="v1alpha1", service_namespace="wardle", service_name="api"
)


def test_the_manifest_is_what_the_official_model_takes(authority):
    registration = dataclasses.replace(GOOD, ca_bundle=authority.pem.encode())
    manifest = build_manifest(registration)
    official.V1APIService.model_validate(manifest)
    assert manifest["metadata"]["name"] == "v1alpha1.wardle.example.com"
    assert base64.b64decode(manifest["spec"]["caBundle"]) == authority.pem.encode()
    assert "insecureSkipTLSVerify" not in manifest["spec"]
    assert manifest["spec"]["service"]["port"] == 443


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("group", "Wardle.example.com"),
        ("group", "a..b"),
        ("group", "a" * 254),
        ("group", "<script>"),
        ("version", "1alpha"),
        ("version", "V1"),
        ("version", "v1.beta"),
        ("version", "v1\n"),
        ("service_namespace", ""),
        ("service_namespace", "a.b"),
        ("service_name", ""),
        ("service_name", "a" * 64),
        ("service_port", 0),
        ("service_port", 65536),
        ("group_priority_minimum", 0),
        ("group_priority_minimum", 20001),
        ("version_priority", 0),
        ("version_priority", 1001),
        ("ca_bundle", b""),
        ("ca_bundle", b"\xff"),
        ("ca_bundle", b"no PEM"),
    ],
)
def test_a_bad_value_is_named(field, value):
    with pytest.raises(InvalidRegistrations) as caught:
        require_valid(dataclasses.replace(GOOD, **{field: value}))
    assert [each.field for each in caught.value.problems] == [field]


def test_all_bad_values_are_named_at_once():
    with pytest.raises(InvalidRegistrations) as caught:
        require_valid(dataclasses.replace(GOOD, version="", service_port=0, version_priority=0))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("group", sorted(BUILT_IN_GROUPS))
def test_groups_of_kubernetes_are_never_taken_over(group):
    with pytest.raises(InvalidRegistrations) as caught:
        build_manifest(dataclasses.replace(GOOD, group=group))
    assert caught.value.field == "group"


def existing(*, automanaged=None, service=True, group="wardle.example.com"):
    labels = {"kube-aggregator.kubernetes.io/automanaged": automanaged} if automanaged else {}
    spec = {"group": group, "version": "v1alpha1"}
    if service:
        spec["service"] = {"namespace": "a", "name": "b"}
    return parse_apiservice({"metadata": {"name": "x", "labels": labels}, "spec": spec})


@pytest.mark.parametrize(
    "found",
    [
        existing(automanaged="onstart", service=False, group="apps"),
        existing(automanaged="true", service=False),
        existing(service=False),
    ],
)
def test_what_kubernetes_manages_is_neither_replaced_nor_deleted(found):
    with pytest.raises(TakeoverRefused):
        require_may_register(GOOD, existing=found)
    with pytest.raises(TakeoverRefused):
        require_may_delete(found)


def test_what_people_registered_may_be_replaced_and_deleted():
    require_may_register(GOOD, existing=None)
    require_may_register(GOOD, existing=existing())
    require_may_delete(existing())
