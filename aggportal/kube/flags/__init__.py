"""kube-apiserver's flags for the aggregation layer, for every common way of installing it."""

from __future__ import annotations

from aggportal.kube.flags.errors import FlagsError, InvalidHeader, InvalidName, UnsafePath
from aggportal.kube.flags.front_proxy import (
    DEFAULT_DIRECTORY,
    UID_HEADER,
    UID_SINCE_MINOR,
    Flag,
    FrontProxy,
)
from aggportal.kube.flags.kubeadm import render_kubeadm_v1beta3, render_kubeadm_v1beta4
from aggportal.kube.flags.kubespray import render_kubespray
from aggportal.kube.flags.plain import render_plain
from aggportal.kube.flags.rancher import render_k3s, render_rke2
from aggportal.kube.flags.rendered import Command, File, Rendered, Renderer, Step
from aggportal.kube.flags.static_pod import render_static_pod
from aggportal.kube.flags.systemd import render_systemd

RENDERERS: tuple[Renderer, ...] = (
    render_plain,
    render_systemd,
    render_static_pod,
    render_kubeadm_v1beta3,
    render_kubeadm_v1beta4,
    render_k3s,
    render_rke2,
    render_kubespray,
)

__all__ = [
    "DEFAULT_DIRECTORY",
    "RENDERERS",
    "UID_HEADER",
    "UID_SINCE_MINOR",
    "Command",
    "File",
    "Flag",
    "FlagsError",
    "FrontProxy",
    "InvalidHeader",
    "InvalidName",
    "Rendered",
    "Renderer",
    "Step",
    "UnsafePath",
    "render_all",
]


def render_all(front_proxy: FrontProxy, *, minor: int | None = None) -> tuple[Rendered, ...]:
    """Return every way of installing that Kubernetes 1.`minor` knows (all where it is None)."""
    rendered = (render(front_proxy) for render in RENDERERS)
    return tuple(way for way in rendered if way.fits(minor))
