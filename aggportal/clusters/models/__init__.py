"""Clusters, how they are reached, what was seen in them, and which worker watches."""

from __future__ import annotations

from aggportal.clusters.models.apiservices import Availability, Tls, Transition, WatchedAPIService
from aggportal.clusters.models.clusters import Cluster, ClusterState
from aggportal.clusters.models.connections import AuthKind, ConnectionDraft, SealedConnection
from aggportal.clusters.models.drift import Drift
from aggportal.clusters.models.findings import Examination, Finding, Harm, LastAnswer
from aggportal.clusters.models.history import Place, SeenCertificate, Silence
from aggportal.clusters.models.leases import Lease

__all__ = [
    "AuthKind",
    "Availability",
    "Cluster",
    "ClusterState",
    "ConnectionDraft",
    "Drift",
    "Examination",
    "Finding",
    "Harm",
    "LastAnswer",
    "Lease",
    "Place",
    "SealedConnection",
    "SeenCertificate",
    "Silence",
    "Tls",
    "Transition",
    "WatchedAPIService",
]
