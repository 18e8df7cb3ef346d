"""Clusters, how they are reached, what was seen in them, and which worker watches."""

from __future__ import annotations

from aggportal.clusters.models.apiservices import Availability, Tls, Transition, WatchedAPIService
from aggportal.clusters.models.clusters import Cluster, ClusterState
from aggportal.clusters.models.connections import AuthKind, ConnectionDraft, SealedConnection
from aggportal.clusters.models.drift import Drift
from aggportal.clusters.models.extensions import (
    Deed,
    ExtensionSet,
    ExtensionStep,
    ObjectState,
    SetState,
)
from aggportal.clusters.models.findings import Examination, Finding, Harm, LastAnswer
from aggportal.clusters.models.history import Place, SeenCertificate, Silence
from aggportal.clusters.models.leases import Lease
from aggportal.clusters.models.rotations import (
    Rotation,
    RotationKind,
    RotationState,
    RotationStep,
    StepState,
)

__all__ = [
    "AuthKind",
    "Availability",
    "Cluster",
    "ClusterState",
    "ConnectionDraft",
    "Deed",
    "Drift",
    "Examination",
    "ExtensionSet",
    "ExtensionStep",
    "Finding",
    "Harm",
    "LastAnswer",
    "Lease",
    "ObjectState",
    "Place",
    "Rotation",
    "RotationKind",
    "RotationState",
    "RotationStep",
    "SealedConnection",
    "SeenCertificate",
    "SetState",
    "Silence",
    "StepState",
    "Tls",
    "Transition",
    "WatchedAPIService",
]
