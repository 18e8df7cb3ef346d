"""A portal with a row for every address, made once for many tests; it reaches nothing outside."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import Grant, User
from aggportal.accounts.rights import PORTAL, Role, Scope
from aggportal.certs.models import Authority
from aggportal.certs.services.own_requests import OwnChoices, create_own_request
from aggportal.certs.services.renewal_runs import RunChoices, start_run
from aggportal.clusters.models import Cluster, ExtensionSet, Finding, Rotation, RotationStep
from aggportal.clusters.models import WatchedAPIService as Row
from aggportal.clusters.services.clusters import connect_cluster
from aggportal.kube.connections import from_token
from aggportal.notices.models import Delivery
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, make_authority, make_certificate
from tests.certs.requests_made import hand_in
from tests.notices.makers import mail_channel

NAME = "v1.made.example.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Furnished:
    """`urls` has the arguments of each address by its name, `people` the signed-in clients."""

    urls: dict[str, dict[str, Any]]
    here: tuple[Authority, Cluster]
    elsewhere: tuple[Authority, Cluster]


def client_with(*grants: tuple[Role, Scope], name: str = "", root: bool = False) -> Client:
    """A client of a new person with these grants."""
    user = User.objects.create(username=name or uuid.uuid4().hex[:20], is_superuser=root)
    User.objects.filter(pk=user.pk).update(is_staff=root)
    for role, on in grants:
        Grant.objects.create(
            user=user,
            role=role,
            scope_kind=on.kind,
            scope_key=on.key,
            granted_by="a test",
            granted_at=timezone.now(),
        )
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def furnish() -> Furnished:
    """Make one of everything, and a second authority and cluster."""
    here = make_authority("here"), _cluster("here")
    elsewhere = make_authority("elsewhere"), _cluster("elsewhere")
    authority, cluster = here
    certificate = make_certificate(authority)
    base = certificate.file_base
    run = start_run(
        authority, RunChoices(within_days=36500, new_key=True), by=ANA, now=timezone.now()
    )
    own = create_own_request(
        load_request_spec({"CN": "own", "key": P256}),
        OwnChoices(file_base="own", exportable=True),
        by=ANA,
        now=timezone.now(),
    )
    rotation = _rotation(cluster, authority)
    channel = mail_channel()
    delivery = Delivery.objects.create(
        channel=channel, next_try_at=timezone.now(), created_at=timezone.now()
    )
    target = User.objects.create(username="target")
    grant = Grant.objects.create(
        user=target, role=Role.VIEWER, granted_by="a test", granted_at=timezone.now()
    )
    applied = ExtensionSet.objects.create(
        cluster=cluster,
        name="wardle",
        namespace="wardle-system",
        described=_DESCRIBED,
        certificate=certificate,
        state="stopped",
        started_at=timezone.now(),
        started_by="ana",
    )
    at_cluster = {"slug": cluster.slug}
    by_prefix: dict[str, dict[str, Any]] = {
        "accounts:grant_take": {"pk": target.pk, "grant": grant.pk},
        "accounts:factor_remove": {"pk": 1},
        "accounts:": {"pk": target.pk},
        "certs:authority_import_choose": {"pk": uuid.uuid4()},
        "certs:import_result": {"pk": uuid.uuid4()},
        "certs:renewal_run_new": {"slug": authority.slug},
        "certs:renewal_preview": {"pk": certificate.pk},
        "certs:renewal_run": {"pk": run.pk},
        "certs:own_request": {"pk": own.pk},
        "certs:request": {"pk": hand_in(authority).pk},
        "certs:certificate_file": {"pk": certificate.pk, "name": f"{base}.pem"},
        "certs:certificate_form": {"pk": certificate.pk, "name": f"{base}.der"},
        "certs:certificate": {"pk": certificate.pk, "name": "none"},
        "certs:authority_file": {"slug": authority.slug, "name": f"{authority.file_base}.pem"},
        "certs:ocsp_get": {"slug": authority.slug, "question": "MAo="},
        "certs:": {"slug": authority.slug, "name": "none"},
        "clusters:finding": at_cluster | {"pk": _finding(cluster).pk},
        "clusters:rotation": at_cluster | {"pk": rotation.pk, "key": "none"},
        "clusters:": at_cluster | {"name": _row(cluster).name},
        "snippets:flags_download": {"key": "plain"},
        "snippets:": at_cluster | {"pk": applied.pk},
        "notices:delivery_retry": {"pk": delivery.pk},
        "notices:channel_new": {"kind": "email"},
        "notices:policy": {"slug": authority.slug},
        "notices:": {"pk": channel.pk, "token": "none"},
        "ledger:": {"seq": 1},
    }
    return Furnished(urls=by_prefix, here=here, elsewhere=elsewhere)


def _cluster(name: str) -> Cluster:
    connection = from_token("https://127.0.0.1:1", None, "a-token-of-the-tests")
    return connect_cluster(name, connection, by=ANA, now=timezone.now())


def _row(cluster: Cluster) -> Row:
    spec = {"service": {"name": "made", "namespace": "made"}, "group": "made.example.com"}
    return Row.objects.create(
        cluster=cluster,
        name=NAME,
        uid="u",
        resource_version="1",
        group="made.example.com",
        version="v1",
        service_namespace="made",
        service_name="made",
        service_port=443,
        available="True",
        reason="",
        message="",
        cause="",
        tls="unverified",
        automanaged="",
        ca_subject="",
        raw={"metadata": {"name": NAME}, "spec": spec},
        state_version=1,
    )


def _finding(cluster: Cluster) -> Finding:
    said = {"text": "Made for the tests.", "params": {}}
    return Finding.objects.create(
        cluster=cluster,
        code="A01",
        harm=1,
        title=said,
        sentence=said,
        first_seen=timezone.now(),
        last_seen=timezone.now(),
    )


def _rotation(cluster: Cluster, authority: Authority) -> Rotation:
    rotation = Rotation.objects.create(
        cluster=cluster,
        kind="front_proxy_ca",
        old_authority=authority,
        old_pem=authority.certificate_pem,
        started_at=timezone.now(),
        started_by="ana",
    )
    RotationStep.objects.create(rotation=rotation, key="make", began_at=timezone.now())
    return rotation


_DESCRIBED = {
    "name": "wardle",
    "namespace": "wardle-system",
    "group": "wardle.example.com",
    "version": "v1alpha1",
    "image": "registry.example.com/wardle:1",
}
__all__ = ["NAME", "PORTAL", "Furnished", "client_with", "furnish"]
