"""What else is in a namespace, as an API server of any shape tells it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from aggportal.kube.client import ApiClient
from aggportal.kube.studio.leftovers import leftovers_in

THINGS = {"name": "things", "namespaced": True, "verbs": ["list"]}
ONE = {"items": [{"metadata": {"name": "one"}}]}


class Client(ApiClient):
    """Answers from a table of paths; what is not in it is not found."""

    def __init__(self, table):  # no connection: nothing is asked over the wire
        self.table = {"/api/v1": {"resources": []}, **table}

    def get_json(self, path, params=None):
        return self.table[path]

    def get_raw(self, path, *, asked=None):
        status = 200 if path in self.table else 404
        return SimpleNamespace(status=status, text=json.dumps(self.table.get(path)))


def looked(group, versions, **lists):
    names = [{"groupVersion": f"{group}/{each}"} for each in versions]
    groups = [{"name": group, "preferredVersion": names[0], "versions": names}]
    table = {"/apis": {"groups": groups}}
    for version, resources in versions.items():
        table[f"/apis/{group}/{version}"] = {"resources": resources}
    for key, listed in lists.items():
        version, resource = key.split("_")
        table[f"/apis/{group}/{version}/namespaces/w/{resource}"] = listed
    return leftovers_in(Client(table), "w")


def test_what_only_another_version_serves_is_seen_and_nothing_twice():
    other = {**THINGS, "name": "others"}
    left = looked("a.io", {"v2": [THINGS], "v1": [THINGS, other]}, v2_things=ONE, v1_others=ONE)
    assert (left.found, left.unknown) == (("things/one", "others/one"), ())


def test_a_list_that_goes_on_is_not_shown_empty():
    left = looked("a.io", {"v1": [THINGS]}, v1_things={"items": [], "metadata": {"continue": "x"}})
    assert left.unknown == ("things",)


@pytest.mark.parametrize(
    ("group", "found"), [("coordination.k8s.io", ()), ("a.io", ("leases/one",))]
)
def test_traces_are_those_of_their_own_group(group, found):
    assert looked(group, {"v1": [{**THINGS, "name": "leases"}]}, v1_leases=ONE).found == found


@pytest.mark.parametrize("resources", [None, "text", [7], [{"name": 3}]])
def test_a_malformed_list_of_resources_is_unknown(resources):
    assert looked("a.io", {"v1": resources}).unknown == ("a.io/v1",)


@pytest.mark.parametrize("groups", [None, 7, ["x"], [{"name": None}]])
def test_malformed_groups_are_unknown(groups):
    assert leftovers_in(Client({"/apis": {"groups": groups}}), "w").unknown == ("/apis",)


@pytest.mark.parametrize("listed", [{"items": 7}, {"items": ["x"]}, []])
def test_a_malformed_list_is_unknown(listed):
    assert looked("a.io", {"v1": [THINGS]}, v1_things=listed).unknown == ("things",)
