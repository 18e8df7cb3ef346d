"""Files of every form, damaged at places that a seed chooses: each is read or refused in words, and
reading many of them does not grow.

300 of each form run with the other tests; AGGPORTAL_MUTATIONS says how many else.
"""

from __future__ import annotations

import json
import os
import random
import resource
from collections.abc import Callable

import pytest

from aggportal.kube.kubeconfig import parse_kubeconfig
from aggportal.pki.config import parse_config
from aggportal.pki.csrreading import read_csr
from aggportal.pki.inspecting import Given, inspect
from aggportal.pki.reading import read_certificates
from aggportal.pki.requests import parse_request_spec
from aggportal.words import RefusedError
from tests.kube.test_kubeconfig_traced import document
from tests.kube.tls import TestAuthority
from tests.pki.certificates_made import NOW
from tests.pki.csrs_made import csr, pem, sans
from tests.pki.recipe import CONFIG, LEAF

pytestmark = pytest.mark.filterwarnings("ignore")

COUNT = int(os.environ.get("AGGPORTAL_MUTATIONS", "300"))
MAX_GROWTH = 100 * 1024  # KiB over all mutations of one form
PIECES = (
    b"\x00",
    b"\xff",
    b"\n",
    b"-----BEGIN ",
    b"&a [*a]",
    b"<<: ",
    b"{",
    b"\xe2\x80\xae",
    b"9" * 400,
)

Read = Callable[[bytes], object]
FORMS: dict[str, tuple[Callable[[], bytes], Read]] = {
    "CSR": (lambda: pem(csr(sans("web.example"))).encode(), read_csr),
    "certificate": (lambda: TestAuthority().pem.encode(), read_certificates),
    "anything": (
        lambda: TestAuthority().pem.encode(),
        lambda data: inspect([Given(name="x", data=data)], now=NOW),
    ),
    "kubeconfig": (lambda: document().encode(), lambda data: parse_kubeconfig(text(data))),
    "ca-config.json": (
        lambda: json.dumps(CONFIG).encode(),
        lambda data: parse_config(text(data)),
    ),
    "csr.json": (
        lambda: json.dumps(LEAF).encode(),
        lambda data: parse_request_spec(text(data)),
    ),
}


def text(data: bytes) -> str:
    """As a form field or a file arrives: what is no UTF-8 is replaced."""
    return data.decode("utf-8", "replace")


def damaged(whole: bytes, choose: random.Random) -> bytes:
    """Change, drop, repeat or insert something, one to four times."""
    data = bytearray(whole)
    for _ in range(choose.randint(1, 4)):
        at, size = choose.randrange(len(data) + 1), choose.choice((1, 1, 2, 16, 200))
        match choose.randrange(5):
            case 0:
                data[at : at + 1] = bytes([choose.randrange(256)])
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                data[at:at] = choose.choice(PIECES)
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_damaged_is_read_or_refused_in_words(form: str) -> None:
    make, read = FORMS[form]
    whole, choose = make(), random.Random(form)  # noqa: S311 -- to be the same each time
    read(whole)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = []
    for _ in range(COUNT):
        try:
            read(damaged(whole, choose))
        except RefusedError as error:
            said.append(str(error))
    assert all(said)
    assert said or form == "anything"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH
