"""Kubeconfigs from strangers: nothing is run or read, and bombs do not go off."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import time
from typing import Any

import pytest
import yaml

from aggportal.kube.connections import BearerToken, ClientCertificate
from aggportal.kube.errors import InvalidKubeconfig, UnusableContext
from aggportal.kube.kubeconfig import connection_for, parse_kubeconfig


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def doc(authority):
    pair = authority.client("ada")
    user = {
        "client-certificate-data": b64(pair.certificate_pem),
        "client-key-data": b64(pair.key_pem),
    }
    ca = {"certificate-authority-data": b64(authority.pem), "extensions": [{"name": "x"}]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "preferences": {},
        "clusters": [{"name": "c", "cluster": {"server": "https://c.example.com:6443", **ca}}],
        "users": [{"name": "u", "user": user}, {"name": "t", "user": {"token": "abc"}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "n"}},
            {"name": "two", "context": {"cluster": "c", "user": "t"}},
        ],
    }


@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
def test_both_spellings_give_the_same_contexts(doc, dump):
    found = parse_kubeconfig(dump(doc))
    assert [(each.name, each.namespace, each.refusal) for each in found.contexts] == [
        ("one", "n", None),
        ("two", "", None),
    ]
    assert found.current == "one"
    assert isinstance(connection_for(found, "one").auth, ClientCertificate)
    assert connection_for(found, "two").auth == BearerToken(token="abc")
    assert "abc" not in repr(found)


REFUSED_USERS = [
    {"exec": {"command": "sh", "args": ["-c", "touch /tmp/aggportal-pwned"]}},
    {"auth-provider": {"name": "gcp", "config": {"cmd-path": "sh"}}},
    {"tokenFile": "/etc/passwd"},
    {"client-certificate": "/etc/passwd", "client-key": "/etc/shadow"},
    {"username": "a", "password": "b"},
    {"token": "abc", "as": "system:admin"},
    {"token": "abc", "as-groups": ["system:masters"]},
    {"token": "abc", "something-new": "x"},
    {"token": "two words"},
    {"client-certificate-data": "Zm9v"},
    {"client-certificate-data": "!!", "client-key-data": "!!"},
    {},
]
REFUSED_CLUSTERS = [
    {"certificate-authority": "/etc/passwd"},
    {"proxy-url": "http://evil.example.com"},
    {"insecure-skip-tls-verify": True},
    {"insecure-skip-tls-verify": "true"},
    {"server": "http://c.example.com"},
    {"server": "https://127.1"},
    {"tls-server-name": "a b"},
    {"certificate-authority-data": b64("no PEM")},
]


@pytest.mark.parametrize("user", REFUSED_USERS, ids=lambda user: "+".join(user) or "empty")
def test_a_user_who_would_run_or_read_things_is_refused_with_a_reason(doc, user, monkeypatch):
    def no_process(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    monkeypatch.setattr("os.posix_spawn", no_process)
    monkeypatch.setattr("os.fork", no_process)
    doc["users"][0]["user"] = user
    _first_is_refused(doc)


@pytest.mark.parametrize("fields", REFUSED_CLUSTERS, ids=lambda fields: str(fields)[:40])
def test_a_cluster_that_would_mislead_us_is_refused_with_a_reason(doc, fields):
    doc["clusters"][0]["cluster"].update(fields)
    _first_is_refused(doc)


def _first_is_refused(doc):
    found = parse_kubeconfig(yaml.safe_dump(doc))
    assert str(found.contexts[0].refusal)
    with pytest.raises(UnusableContext):
        connection_for(found, "one")


def test_one_bad_context_does_not_spoil_the_others(doc):
    doc["users"][0]["user"] = {"exec": {"command": "aws"}}
    found = parse_kubeconfig(yaml.safe_dump(doc))
    assert "would run a program" in str(found.contexts[0].refusal)
    assert "kubectl create token" in str(found.contexts[0].remedy)
    assert connection_for(found, "two").server == "https://c.example.com:6443"


def test_a_context_without_cluster_user_or_name_is_named(doc):
    doc["contexts"].append({"name": "three", "context": {"cluster": "gone", "user": "u"}})
    found = parse_kubeconfig(yaml.safe_dump(doc))
    assert "gone" in str(found.contexts[2].refusal)
    with pytest.raises(UnusableContext):
        connection_for(found, "four")


BOMBS = {
    "aliases": "a: &a [x,x]\nb: [*a,*a]\n",
    "anchor alone": "clusters: &c []\ncontexts: []\n",
    "merge": "clusters: {<<: {a: b}}\ncontexts: []\n",
    "deep flow": "[" * 5_000,
    "deep block": "\n".join("  " * depth + "a:" for depth in range(150)),
    "deep JSON": '{"a":' * 60_000,
    "duplicate": "clusters: []\nclusters: []\ncontexts: []\n",
    "duplicate JSON": '{"clusters": [], "clusters": [], "contexts": []}',
    "python tag": "clusters: !!python/object/apply:os.system ['id']\ncontexts: []\n",
    "binary tag": "clusters: !!binary aGk=\ncontexts: []\n",
    "too large": "a: " + "x" * 70_000,
    "too many": "[" + "a," * 20_000 + "]",
    "two documents": "a: 1\n---\nb: 2\n",
    "complex key": "? [a]\n: b\n",
    "many question marks": "? " * 30_000,
    "tab": "a:\n\t- b",
    "NUL": "a: \x00",
    "surrogate": "a: \ud800",
    "text": "hello",
    "empty": "",
    "list": "[]",
    "number": "{}",
    "contexts no list": "clusters: []\ncontexts: 7\n",
    "entry no map": "clusters: [7]\ncontexts: [7]\n",
    "entry body text": "clusters: []\ncontexts: [{name: a, context: b}]\n",
    "same name twice": "clusters: []\ncontexts: [{name: a}, {name: a}]\n",
    "no context": "clusters: []\ncontexts: []\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_and_nonsense_end_quickly_and_in_words(text):
    started = time.monotonic()
    with pytest.raises(InvalidKubeconfig) as caught:
        parse_kubeconfig(text)
    assert str(caught.value)
    assert time.monotonic() - started < 20


def test_the_place_of_an_error_is_said():
    with pytest.raises(InvalidKubeconfig) as caught:
        parse_kubeconfig("clusters: []\ncontexts: [}\n")
    assert (caught.value.line, caught.value.column) == (2, 12)


NONSENSE: tuple[Any, ...] = (None, 7, "x", [], {}, [[]], {"a": "b"})


def test_every_single_field_replaced_by_nonsense_is_survived(doc):
    """Whatever type stands where: InvalidKubeconfig or a refusal, never another exception."""
    for path in _paths(doc):
        for nonsense in NONSENSE:
            broken = copy.deepcopy(doc)
            _put(broken, path, nonsense)
            try:
                parse_kubeconfig(json.dumps(broken))
            except InvalidKubeconfig:
                continue


def _paths(value, path=()):
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from _paths(child, (*path, key))


def _put(value, path, new):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new
