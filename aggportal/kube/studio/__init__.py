"""The studio: one description of an extension API server, and everything that installs it."""

from __future__ import annotations

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
from aggportal.kube.studio.telling import apply_script, notes_on, remove_script
from aggportal.kube.studio.texts import set_yaml, shown_yaml

__all__ = [
    "NEWEST_MINOR",
    "OLDEST_MINOR",
    "SECRET_MODE",
    "Extension",
    "InvalidExtension",
    "InvalidExtensions",
    "Manifest",
    "ServingPair",
    "StudioFile",
    "apply_script",
    "base_files",
    "chart_files",
    "manifests",
    "notes_on",
    "pack",
    "remove_script",
    "require_describable",
    "set_yaml",
    "shown_yaml",
]
