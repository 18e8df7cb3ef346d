"""Fixtures for the real-cluster suite; it is skipped, with the reason, where the programs lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.control_plane import ControlPlane, missing_programs, programs_directory
from tests.e2e.portal import Portal
from tests.e2e.visitor import Visitor


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of etcd, kube-apiserver and sample-apiserver."""
    if missing := missing_programs():
        pytest.skip(
            f"no {', '.join(missing)} in {programs_directory()}: "
            "run `make control-plane` or set KUBEBUILDER_ASSETS"
        )
    return programs_directory()


@pytest.fixture(scope="module")
def start_control_plane(
    programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., ControlPlane]]:
    """Start control planes with extra kube-apiserver flags; they end with the module."""
    planes: list[ControlPlane] = []

    def start(flags: Sequence[str] = ()) -> ControlPlane:
        plane = ControlPlane(directory=tmp_path_factory.mktemp("plane"), flags=flags)
        planes.append(plane)
        plane.start()
        return plane

    yield start
    for plane in planes:
        plane.stop()


@pytest.fixture(scope="module")
def control_plane(start_control_plane: Callable[..., ControlPlane]) -> ControlPlane:
    """One control plane for a whole module, without front-proxy flags."""
    return start_control_plane()


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal with web and worker, as a person runs it; one for all tests that visit it."""
    portal = Portal(directory=tmp_path_factory.mktemp("portal"))
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture(scope="package")
def administrator(portal: Portal) -> Visitor:
    """The first administrator, signed in."""
    return portal.first_administrator()
