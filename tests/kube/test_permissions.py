"""The ClusterRole that the portal prints, and what is missing, in words."""

from __future__ import annotations

import pytest
import yaml

from aggportal.kube.errors import InvalidInput
from aggportal.kube.permissions import (
    DOCTOR_RULES,
    READ_RULES,
    WRITE_RULES,
    Access,
    missing_rules,
    render_access,
    token_commands,
)


@pytest.mark.parametrize("write", [False, True])
def test_the_printed_role_grants_what_is_asked_for_and_no_more(write):
    documents = list(yaml.safe_load_all(render_access(write=write)))
    assert [each["kind"] for each in documents] == [
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
    ]
    wanted = READ_RULES + (WRITE_RULES if write else ())
    assert granted_by(documents[2]) == {str(rule) for rule in wanted}


def test_the_doctor_is_granted_what_it_reads_and_no_secret():
    documents = list(yaml.safe_load_all(render_access(doctor=True)))
    assert granted_by(documents[2]) == {str(rule) for rule in READ_RULES + DOCTOR_RULES}
    assert not {rule.resource for rule in DOCTOR_RULES} & {"secrets", "configmaps", "*"}
    assert {rule.verb for rule in DOCTOR_RULES} == {"get", "list"}
    (reader,) = (each for each in documents if each["kind"] == "RoleBinding")
    assert reader["roleRef"]["name"] == "extension-apiserver-authentication-reader"


def granted_by(role):
    """The rules of a ClusterRole, as `verb resource.group` or `verb /path`."""
    return {
        f"{verb} {resource}"
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule.get("nonResourceURLs")
        or [f"{each}.{rule['apiGroups'][0]}".rstrip(".") for each in rule["resources"]]
    }


def test_names_cannot_break_out_of_the_yaml():
    with pytest.raises(InvalidInput):
        render_access(name="a\n- evil")
    assert token_commands(name="portal")[0].startswith("kubectl create token portal ")


def test_what_is_missing_is_said():
    answers = [Access(rule=rule, allowed=rule.verb != "watch") for rule in READ_RULES]
    assert [str(each) for each in missing_rules(answers)] == [
        "This account may not watch apiservices.apiregistration.k8s.io."
    ]
