"""The studio: one description of an extension API server, and everything that installs it."""

from __future__ import annotations

from aggportal.kube.studio.applying import (
    CREATE,
    REFUSED,
    UNCHANGED,
    UNTRIED,
    UPDATE,
    Applied,
    Tried,
    apply_object,
    present_at,
    require_ours,
    try_object,
)
from aggportal.kube.studio.charts import chart_files
from aggportal.kube.studio.described import (
    NEWEST_MINOR,
    OLDEST_MINOR,
    Extension,
    InvalidExtension,
    InvalidExtensions,
    require_describable,
)
from aggportal.kube.studio.kustomizing import base_files
from aggportal.kube.studio.manifests import Manifest, ServingPair, manifests
from aggportal.kube.studio.packing import SECRET_MODE, StudioFile, pack
from aggportal.kube.studio.places import Place, place_of
from aggportal.kube.studio.readiness import Readiness, readiness_of
from aggportal.kube.studio.removing import DELETE, GONE, KEPT, Removal, remove_object, try_removal
from aggportal.kube.studio.rights import missing_rights, rights_yaml
from aggportal.kube.studio.telling import apply_script, notes_on, remove_script
from aggportal.kube.studio.texts import set_yaml, shown_yaml

__all__ = [
    "CREATE",
    "DELETE",
    "GONE",
    "KEPT",
    "NEWEST_MINOR",
    "OLDEST_MINOR",
    "REFUSED",
    "SECRET_MODE",
    "UNCHANGED",
    "UNTRIED",
    "UPDATE",
    "Applied",
    "Extension",
    "InvalidExtension",
    "InvalidExtensions",
    "Manifest",
    "Place",
    "Readiness",
    "Removal",
    "ServingPair",
    "StudioFile",
    "Tried",
    "apply_object",
    "apply_script",
    "base_files",
    "chart_files",
    "manifests",
    "missing_rights",
    "notes_on",
    "pack",
    "place_of",
    "present_at",
    "readiness_of",
    "remove_object",
    "remove_script",
    "require_describable",
    "require_ours",
    "rights_yaml",
    "set_yaml",
    "shown_yaml",
    "try_object",
    "try_removal",
]
