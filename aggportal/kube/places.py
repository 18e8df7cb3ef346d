"""What is connected to through kube-apiserver."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggportal.kube.errors import InvalidInput
from aggportal.words import gettext_noop as _n

HIGHEST_PORT = 65_535
# A name as Kubernetes lets it be (RFC 1123 subdomain): it becomes part of a path.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PodPort:
    """A port of a pod."""

    namespace: str
    pod: str
    port: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}:{self.port}"

    @property
    def path(self) -> str:
        """Where it is forwarded. Raises InvalidInput for what is no name in Kubernetes."""
        named = _NAME.fullmatch(self.namespace) and _NAME.fullmatch(self.pod)
        if not named or not 0 < self.port <= HIGHEST_PORT:
            raise InvalidInput(_n("This is no port of a pod: %(place)s"), place=str(self)[:200])
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/portforward?ports={self.port}"
