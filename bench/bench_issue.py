"""Issue certificates through the HTTP form, against `cfssl serve` making key, CSR and certificate.

The portal checks a session and a cross-site token, parses the form, records the intent, seals the
key and stores everything in two durable transactions; cfssl as Debian ships it records nothing.
Run: python -m bench.bench_issue [P-256 certificates, default 400]
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Browser, Figures, Portal, free_port, load, portal, process

CONFIG = {
    "signing": {
        "default": {"expiry": "8760h"},
        "profiles": {
            "extension-serving": {"expiry": "8760h", "usages": ["signing", "server auth"]},
        },
    }
}
CA = {"CN": "bench-ca", "key": {"algo": "ecdsa", "size": 256}, "ca": {"expiry": "87600h"}}
KEYS = {
    "P-256": ("ecdsa-256", {"algo": "ecdsa", "size": 256}),
    "RSA-2048": ("rsa-2048", {"algo": "rsa", "size": 2048}),
}


def prepare(made: Portal) -> None:
    """Make the authority that signs."""
    made.manage(
        "import json\n"
        "from django.utils import timezone\n"
        "from aggportal.certs.models import Lane, Mode\n"
        "from aggportal.certs.services.authorities import create_authority\n"
        "from aggportal.certs.services.authority_rows import AuthorityChoices\n"
        "from aggportal.pki.requests import load_request_spec\n"
        "from aggportal.web.actors import Actor\n"
        f"spec = load_request_spec({CA!r})\n"
        "choices = AuthorityChoices(label='bench', slug='bench', lane=Lane.SERVING,"
        " mode=Mode.STRICT,"
        f" file_base='bench-ca', signing_config=json.dumps({CONFIG!r}))\n"
        "create_authority(spec, choices, by=Actor(id=None, name='bench'), now=timezone.now())\n"
    )


def portal_request(port: int, key: str) -> Callable[[], None]:
    """Return one person's request: the form, sent."""
    person = Browser(port)
    token = Browser.token_in(person.ask("GET", "/certificates/new/?authority=bench")[1])
    base = json.dumps({"CN": "", "hosts": [], "key": {"algo": "ecdsa", "size": 256}})
    typed = {
        "csrfmiddlewaretoken": token,
        "authority": "bench",
        "profile": "extension-serving",
        "base": base,
        "text": base,
        "CN": "api.wardle.svc",
        "hosts": "api.wardle.svc\napi.wardle",
        "key": key,
        "do": "issue",
    }

    def issue() -> None:
        status, _ = person.ask("POST", "/certificates/new/", typed)
        if status != 302:
            raise RuntimeError(f"the form answered {status}")

    return issue


@contextmanager
def cfssl() -> Iterator[int]:
    """Run `cfssl serve` with an authority of the same kind."""
    folder = Path(tempfile.mkdtemp(prefix="aggportal-bench-cfssl-"))
    try:
        (folder / "config.json").write_text(json.dumps(CONFIG))
        (folder / "csr.json").write_text(json.dumps(CA))
        made = subprocess.run(
            ["cfssl", "gencert", "-initca", str(folder / "csr.json")],
            check=True,
            capture_output=True,
        )
        pair = json.loads(made.stdout)
        (folder / "ca.pem").write_text(pair["cert"])
        (folder / "ca-key.pem").write_text(pair["key"])
        port = free_port()
        command = ["cfssl", "serve", "-address=127.0.0.1", f"-port={port}", f"-ca={folder}/ca.pem"]
        command += [f"-ca-key={folder}/ca-key.pem", f"-config={folder}/config.json"]
        with process(command, port=port):
            yield port
    finally:
        shutil.rmtree(folder)


def cfssl_request(port: int, key: dict[str, object]) -> Callable[[], None]:
    """Return one client's request: newcert."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    request = {"CN": "api.wardle.svc", "hosts": ["api.wardle.svc", "api.wardle"], "key": key}
    body = json.dumps({"request": request, "profile": "extension-serving"})

    def issue() -> None:
        connection.request("POST", "/api/v1/cfssl/newcert", body)
        answer = connection.getresponse()
        if not json.loads(answer.read())["success"]:
            raise RuntimeError("cfssl refused")

    return issue


def compare(ours: Figures, peer: Figures | None) -> None:
    """Print both rows and the ratio."""
    print(ours)
    if peer is not None:
        print(peer)
        ratio = ours.per_second / peer.per_second
        print(f"{'ratio, ours to cfssl (which records nothing)':<58} {ratio:8.2f}×\n")


def main(count: int) -> None:
    """Measure P-256 and RSA-2048 at concurrency 1 and 8."""
    peer = shutil.which("cfssl")
    with portal(prepare) as made, cfssl() if peer else _nothing() as other:
        for name, (choice, key) in KEYS.items():
            total = count if name == "P-256" else max(count // 10, 16)
            for people in (1, 8):
                ours = load(
                    f"portal, HTTP form, {name}, {people} at once",
                    [portal_request(made.port, choice) for _ in range(people)],
                    count=total,
                )
                theirs = None
                if peer:
                    clients = [cfssl_request(other, key) for _ in range(people)]
                    theirs = load(
                        f"cfssl serve newcert, {name}, {people} at once", clients, count=total
                    )
                compare(ours, theirs)
    if not peer:
        print("cfssl is not installed: no ratio.")


@contextmanager
def _nothing() -> Iterator[int]:
    yield 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
