"""The whole way, walked for one variant: a cluster that runs on what the portal's pages gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import cluster_deeds, deeds, own_address
from tests.e2e.cluster_side import apply_documents, token_for
from tests.e2e.control_plane import ControlPlane, ExtensionServer
from tests.e2e.variants import Issued, Variant
from tests.e2e.visitor import Visitor

StartControlPlane = Callable[..., ControlPlane]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A control plane with exactly the rendered flags, an extension server with the portal's
    certificate, and the cluster's slug in the portal; nothing is registered yet.

    `credential` is the secret by which the portal reaches the cluster. `earlier` is how many
    entries the ledger had before.
    """

    visitor: Visitor
    variant: Variant
    issued: Issued
    flags: list[str]
    plane: ControlPlane
    extension: ExtensionServer
    cluster: str
    credential: str
    earlier: int

    @property
    def service_port(self) -> int:
        """The port for the APIService: an ExternalName has no ports that could be mapped."""
        return self.extension.port if self.variant.kube_proxy else 443


def walk(
    visitor: Visitor, variant: Variant, start_control_plane: StartControlPlane, folder: Path
) -> Way:
    """Make and take the files, render the flags, start everything, connect the cluster."""
    earlier = len(cluster_deeds.ledger(visitor))
    issued = variant.prepare(visitor, folder)
    page = deeds.choose_flags(visitor, issued.flag_choices(kube_proxy=variant.kube_proxy))
    flags = deeds.arguments_by_shell(deeds.take_flags(visitor, page))
    plane = start_control_plane(flags)
    extension = _start_extension(plane, issued, routed=not variant.kube_proxy)
    cluster, credential = connect(visitor, variant, plane)
    return Way(
        visitor=visitor,
        variant=variant,
        issued=issued,
        flags=flags,
        plane=plane,
        extension=extension,
        cluster=cluster,
        credential=credential,
        earlier=earlier,
    )


def connect(visitor: Visitor, variant: Variant, plane: ControlPlane) -> tuple[str, str]:
    """Connect with the account that the page prints, or with a kubeconfig; return the cluster's
    slug and the secret that was given."""
    if variant.by_kubeconfig:
        connected = cluster_deeds.connect_by_kubeconfig(
            visitor, name=variant.name, kubeconfig=json.dumps(plane.kubeconfig())
        )
        return cluster_deeds.slug_of(connected), plane.admin.key_pem
    apply_documents(plane, cluster_deeds.printed_access(visitor))
    token = token_for(plane, namespace="aggportal", name="aggportal")
    connected = cluster_deeds.connect_by_token(
        visitor, name=variant.name, server=plane.url, ca=plane.authority.pem, token=token
    )
    return cluster_deeds.slug_of(connected), token


def _start_extension(plane: ControlPlane, issued: Issued, *, routed: bool) -> ExtensionServer:
    """Behind the Service wardle/api: by its own address if routed, else over loopback."""
    address = own_address.ADDRESS if routed else "127.0.0.1"
    extension = ExtensionServer(plane=plane, serving=issued.serving, address=address)
    extension.start()
    if routed:
        plane.expose_by_endpoints("wardle", "api", address=address, port=extension.port)
    else:
        plane.expose_on_loopback("wardle", "api")
    return extension
