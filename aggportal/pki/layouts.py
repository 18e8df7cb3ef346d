"""What the names of files tell of the certificates in them: kubeadm's /etc/kubernetes/pki and the
folder that the classic cfssl recipe leaves. Names suggest; a person decides.

kubeadm: "Certificates" in "PKI certificates and requirements" of Kubernetes' documentation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_KEY_TAIL = re.compile(r"-key$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FRONT_PROXY = re.compile(r"front-?proxy|aggregator|requestheader", re.IGNORECASE)
_ETCD = re.compile(r"\betcd\b", re.IGNORECASE)
_CLIENT = re.compile(r"^(?:ca|client-ca|kubernetes(?:-ca)?)$", re.IGNORECASE)
_SERVING = re.compile(r"serving|webhook|extension", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a file name suggests.

    `lane` is a trust lane's name; `base` is the name of the files; `advised` is False for what is
    better left where it is.
    """

    lane: str
    base: str
    advised: bool = True


def place_of(sources: Sequence[str], *, common_name: str, serves_too: bool = False) -> Place:
    """Suggest where an authority belongs. `serves_too`: its profiles sign servers and clients."""
    base = base_of(sources, common_name=common_name)
    path = next((source for source in sources if source), "")
    said = (base, common_name)
    if _ETCD.search(path) or any(_ETCD.search(text) for text in said):
        return Place(lane="general", base=base, advised=False)
    if any(_FRONT_PROXY.search(text) for text in said):
        return Place(lane="general" if serves_too else "front-proxy", base=base)
    if any(_CLIENT.fullmatch(text) for text in said):
        return Place(lane="client", base=base, advised=False)
    return Place(lane="serving" if any(map(_SERVING.search, said)) else "general", base=base)


def base_of(sources: Sequence[str], *, common_name: str) -> str:
    """Return the name of the files without ending, as cfssljson -bare has it; else the CN's."""
    for text in (*(_stem(source) for source in sources), common_name):
        safe = _UNSAFE.sub("-", text).strip("-.")[:80].strip("-.")
        if safe:
            return safe
    return "certificate"


def _stem(source: str) -> str:
    name = PurePosixPath(source.replace("\\", "/")).name
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    return _KEY_TAIL.sub("", stem)
