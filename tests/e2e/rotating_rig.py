"""What a rotation happens to: a cluster on the portal's own files, hammered; a portal that dies.

Facts that the order of the steps rests on, as seen on kube-apiserver 1.20.2 and its sample server:

- kube-apiserver looks at the requestheader CA file and the proxy client pair once a minute, counted
  from its start (at once since 1.23), and no request fails over it. The sample server looks at its
  serving pair once a minute as well.
- The ConfigMap is a union: the old CA stays in it until it is deleted. It is written anew within
  0.05 s. Extension servers keep what they trust in that moment, so no request fails in the gap.
- Deleted before kube-apiserver has read the file with the new CA alone, it comes back with both and
  stays so: it has to be deleted once more.
- Which certificate kube-apiserver shows to backends, no API tells while both CAs are trusted.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aggportal.doctor.authconfig import CONFIG_MAP, parse_auth_config
from aggportal.kube.apiservices import APISERVICES_PATH, parse_apiservice
from aggportal.kube.errors import NotFound
from aggportal.kube.registering import Registration, register
from aggportal.pki.reading import read_certificates
from tests.e2e import deeds
from tests.e2e.cluster_side import APISERVICE, FLUNDERS, let_create_flunders, wait_until
from tests.e2e.control_plane import write_file
from tests.e2e.portal import Portal
from tests.e2e.rotating_client import Hammer
from tests.e2e.variants import VARIANTS
from tests.e2e.visitor import Answer, Visitor
from tests.e2e.way import StartControlPlane, Way, walk

SPLIT = VARIANTS[2]
ECDSA = {"algo": "ecdsa", "size": 256}


@dataclass(kw_only=True)
class Rig:
    """A cluster with one registered extension server, and the portal that changes its trust."""

    portal: Portal
    way: Way
    hammer: Hammer
    kills: int = 0

    @property
    def visitor(self) -> Visitor:
        return self.way.visitor

    @property
    def files(self) -> Path:
        """Where kube-apiserver's front-proxy files lie."""
        return self.way.issued.installed

    @property
    def ca_file(self) -> Path:
        return self.files / f"{self.way.issued.ca_base}.pem"

    def published(self) -> set[str]:
        """The CNs of the front-proxy CAs in the ConfigMap; empty while it is gone."""
        try:
            document = self.way.plane.client().get_json(CONFIG_MAP)
        except NotFound:
            return set()
        return {ca.common_name for ca in parse_auth_config(document).requestheader_cas}

    def trusted(self) -> set[str]:
        """The CNs of the CAs in caBundle."""
        raw = self.way.plane.client().get_json(f"{APISERVICES_PATH}/{APISERVICE}")
        bundle = parse_apiservice(raw).ca_bundle
        return {ca.common_name for ca in read_certificates(bundle)} if bundle else set()

    def put_ca(self, pem: bytes) -> None:
        """Do on the master what the step says: another file in the place of this one."""
        _replace(self.ca_file, pem)

    def serve(self, certificate: bytes, key: bytes) -> None:
        """Give the extension server another pair; it loads the files by itself."""
        _replace(self.way.extension.directory / "tls.crt", certificate)
        _replace(self.way.extension.directory / "tls.key", key)

    def killed(self) -> None:
        """The portal loses its power and comes back."""
        self.portal.kill()
        self.kills += 1
        self.portal.serve()

    def killed_while(self, at: Answer, action: str, *, after: float, **fields: str) -> None:
        """Press a button and cut the portal off `after` seconds, whatever it had done by then."""
        pressing = threading.Thread(
            target=self._press, args=(at, action), kwargs=fields, daemon=True
        )
        pressing.start()
        time.sleep(after)
        self.killed()
        pressing.join(10)

    def _press(self, at: Answer, action: str, **fields: str) -> None:
        with contextlib.suppress(OSError):  # the portal is killed meanwhile
            self.visitor.send(at, at.page.form(action), **fields)


def _replace(path: Path, content: bytes) -> None:
    made = path.with_name(f"{path.name}.new")
    write_file(made, content.decode())
    os.replace(made, path)


@contextlib.contextmanager
def stand(portal: Portal, start_control_plane: StartControlPlane, folder: Path) -> Iterator[Rig]:
    """Everything, with the client at its work."""
    visitor = portal.first_administrator()
    way = walk(visitor, SPLIT, start_control_plane, folder)
    client = way.plane.client()
    registration = Registration(
        group="wardle.example.com",
        version="v1alpha1",
        service_namespace="wardle",
        service_name="api",
        service_port=way.service_port,
        ca_bundle=way.issued.serving_ca_pem.encode(),
    )
    register(client, registration, seen=None, dry_run=False)
    user = let_create_flunders(way.plane, "ada")
    theirs = way.plane.client(user)
    wait_until(lambda: theirs.get_raw(FLUNDERS).status == 200, 40)
    with Hammer(plane=way.plane, user=user) as hammer:
        yield Rig(portal=portal, way=way, hammer=hammer)


def make_next_serving_ca(visitor: Visitor) -> str:
    """The authority that takes the serving CA's place; return its slug."""
    request = {"CN": "extension-serving-ca-2", "key": ECDSA, "ca": {"expiry": "87600h"}}
    return deeds.make_authority(
        visitor, label="Serving 2", lane="serving", request=json.dumps(request)
    )
