"""Every address × every method × every role, from the URLconf, against tests/role_table.py.

One furnished database for all of it: each request is undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partialmethod
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client, TestCase
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from aggportal.accounts.rights import PORTAL, Role
from tests.furnished import Furnished, client_with, furnish
from tests.role_table import ANYBODY, AUTHORITY, CLUSTER, SIGNED_IN, TABLE, Opens, Who

WRONG = "PUT"
_SIGN_IN = ("/login/", "/admin/login/")
PEOPLE = (*Role, "stranger", "superuser", "anonymous")


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The full name and the pattern of every address; Django's own pages stand apart."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLPattern):
            yield prefix + (each.name or str(each.pattern)), each.pattern
        elif each.namespace != "admin":
            yield from patterns(each, f"{prefix}{each.namespace}:" if each.namespace else prefix)


PATTERNS = dict(patterns())
UNNAMED = {
    "accounts:admin/login/": "/admin/login/",
    "accounts:admin/password_change/": "/admin/password_change/",
}


def address(furnished: Furnished, name: str) -> str:
    if name in UNNAMED:
        return UNNAMED[name]
    wanted = PATTERNS[name].converters
    prefix = max((each for each in furnished.urls if name.startswith(each)), key=len, default="")
    known = furnished.urls.get(prefix, {})
    return reverse(name, kwargs={key: known[key] for key in wanted})


def ask(client: Client, method: str, path: str) -> HttpResponse:
    """The answer; whatever the deed did is undone, the sign-in stays."""
    kept = dict(client.cookies)
    before = transaction.savepoint()
    try:
        return client.generic(method, path)  # type: ignore[return-value]  # django-stubs
    finally:
        transaction.savepoint_rollback(before)
        client.cookies.clear()
        client.cookies.update(kept)


def outcome(answer: HttpResponse) -> str:
    """What happened, in one word."""
    if answer.status_code in (301, 302) and answer["Location"].startswith(_SIGN_IN):
        return "sign in"
    words = {403: "refused", 404: "absent", 405: "method"}
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{answer.status_code}"
    return words.get(answer.status_code, "in")


def expected(person: str, opens: Opens, method: str) -> set[str]:
    """Which outcomes are right."""
    who = {"GET": opens.get, "POST": opens.post}.get(method)
    if person == "anonymous" and ANYBODY not in (opens.get, opens.post):
        return {"sign in"} if who is not None else {"sign in", "method"}
    if who is None:
        return {"method"}
    if not holds(person, who):
        return {"refused"}
    if opens.absent:
        return {"absent"}
    return {"in"} if isinstance(who, Role) else {"in", "sign in"}


def holds(person: str, who: Who) -> bool:
    if who in (ANYBODY, SIGNED_IN):
        return True
    return person in Role.values and isinstance(who, Role) and Role(person).holds(who)


def person_of(name: str) -> Client:
    if name == "anonymous":
        return Client(raise_request_exception=False)
    if name in Role.values:
        return client_with((Role(name), PORTAL))
    return client_with(root=name == "superuser")


def test_every_address_is_in_the_table() -> None:
    assert sorted(PATTERNS) == sorted(TABLE)


DEEDS = [
    (name, method, who)
    for name, opens in TABLE.items()
    for method, who in (("GET", opens.get), ("POST", opens.post))
    if opens.on and isinstance(who, Role) and who is not Role.VIEWER
]
OF_AUTHORITIES = (Role.REQUESTER, Role.ISSUER, Role.APPROVER, Role.ADMINISTRATOR)
OF_CLUSTERS = (Role.OPERATOR, Role.ADMINISTRATOR)


class Matrix(TestCase):
    """What the walks share."""

    furnished: Furnished

    @classmethod
    def setUpTestData(cls) -> None:
        cls.furnished = furnish()

    def said(self, client: Client, method: str, name: str) -> str:
        return outcome(ask(client, method, address(self.furnished, name)))


class RoleMatrix(Matrix):
    """tests/role_table.py, row by row; a walk for each person."""

    def walk(self, person: str) -> None:
        client, wrong = person_of(person), {}
        for name, opens in TABLE.items():
            for method in ("GET", "POST", WRONG):
                said, right = self.said(client, method, name), expected(person, opens, method)
                if name in UNNAMED:  # they lead on, by whatever method
                    right = {"in", "sign in"}
                if said not in right:
                    wrong[f"{method} {name}"] = f"{said}, not {right}"
        assert not wrong, "\n".join(f"{asked}: {why}" for asked, why in wrong.items())


for _person in PEOPLE:
    _walk = partialmethod(RoleMatrix.walk, _person)
    setattr(RoleMatrix, f"test_role_matrix_every_url_{_person}", _walk)


class ScopeMatrix(Matrix):
    """Roles that are limited to one authority or cluster."""

    def test_a_role_elsewhere_opens_no_deed_here(self) -> None:
        authority, cluster = self.furnished.elsewhere
        everything = [(role, authority.scope) for role in OF_AUTHORITIES]
        client = client_with(*everything, *((role, cluster.scope) for role in OF_CLUSTERS))
        came_in = [
            f"{method} {name}"
            for name, method, _who in DEEDS
            if self.said(client, method, name) != "refused"
        ]
        assert came_in == []

    def test_a_role_here_opens_its_deeds_here_and_no_other(self) -> None:
        authority, cluster = self.furnished.here
        scopes = {AUTHORITY: authority.scope, CLUSTER: cluster.scope}
        wrong = {}
        for role in {*OF_AUTHORITIES, *OF_CLUSTERS}:
            held = {kind for kind in scopes if kind in role.kinds}
            client = client_with(*((role, scopes[kind]) for kind in held))
            for name, method, who in DEEDS:
                opens = TABLE[name].on in held and role.holds(who) and TABLE[name].on in who.kinds
                said = self.said(client, method, name)
                if (said == "refused") == opens:
                    wrong[f"{role} {method} {name}"] = said
        assert not wrong, "\n".join(f"{asked}: {why}" for asked, why in wrong.items())

    def test_a_private_key_leaves_to_issuers_of_its_authority_alone(self) -> None:
        path = address(self.furnished, "certs:certificate_file").replace(".pem", "-key.pem")
        here, elsewhere = (
            each[0].scope for each in (self.furnished.here, self.furnished.elsewhere)
        )
        for grants, right in (
            ([(Role.ISSUER, here)], "in"),
            ([(Role.ISSUER, PORTAL)], "in"),
            ([(Role.ISSUER, elsewhere), (Role.REQUESTER, here), (Role.APPROVER, here)], "refused"),
            ([(Role.VIEWER, PORTAL), (Role.OPERATOR, PORTAL), (Role.AUDITOR, PORTAL)], "refused"),
        ):
            assert outcome(ask(client_with(*grants), "POST", path)) == right

    def test_what_is_for_the_whole_portal_is_closed_to_administrators_of_a_part(self) -> None:
        client = client_with(*((Role.ADMINISTRATOR, each.scope) for each in self.furnished.here))
        came_in = [
            f"{method} {name}"
            for name, opens in TABLE.items()
            for method, who in (("GET", opens.get), ("POST", opens.post))
            if not opens.on and who in (Role.ADMINISTRATOR, Role.AUDITOR)
            if self.said(client, method, name) != "refused"
        ]
        assert came_in == []


class AdminMatrix(Matrix):
    """Django's own pages: read by auditors, changed by nobody."""

    def test_django_admin_lets_auditors_read_and_nobody_change(self) -> None:
        paths = sorted(set(admin_addresses()))
        assert len(paths) > 20
        for person in PEOPLE:
            client, reads = person_of(person), holds(person, Role.AUDITOR)
            for path in paths:
                right = {"in", "refused", "absent"} if reads else {"sign in"}
                assert outcome(ask(client, "GET", path)) in right, (person, path)
                if path.endswith(("/add/", "/delete/", "/change/")):
                    assert outcome(ask(client, "POST", path)) in right - {"in"}, (person, path)


def test_each_deed_on_one_thing_says_on_what() -> None:
    """What names an authority, a cluster or something of theirs and asks for a role that can be
    limited is to ask for it there.
    """
    whole = {
        "certs:authority_succeed": "a new authority is a matter of the whole portal",
        "certs:authority_import_choose": "a new authority is a matter of the whole portal",
        "certs:own_request_key": "our own requests belong to no authority",
        "certs:own_request_drop": "our own requests belong to no authority",
        "snippets:cluster_extension_take": "the authority is chosen in the form",
    }
    unsaid = [
        name
        for name, opens in TABLE.items()
        if PATTERNS[name].converters
        and name.split(":")[0] in ("certs", "clusters", "snippets")
        and not opens.on
        and any(isinstance(who, Role) and who.kinds for who in (opens.get, opens.post))
    ]
    assert sorted(unsaid) == sorted(whole)


ADMIN_ARGUMENTS = {
    "app_label": "accounts",
    "object_id": "1",
    "content_type_id": 1,
    "url": "nowhere/",
}


def admin_addresses() -> Iterator[str]:
    site = next(
        each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "admin"
    )
    found: list[tuple[URLPattern, str]] = []

    def walk(resolver: Any, prefix: str) -> None:
        for each in resolver.url_patterns:
            if isinstance(each, URLPattern):
                found.append((each, prefix))
            else:
                walk(each, prefix)

    walk(site, "admin:")
    for each, prefix in found:
        if each.name and each.name not in ("login", "logout", "password_change"):
            wanted = each.pattern.regex.groupindex
            yield reverse(prefix + each.name, kwargs={key: ADMIN_ARGUMENTS[key] for key in wanted})
