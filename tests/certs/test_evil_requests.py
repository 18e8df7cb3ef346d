"""B5: hostile signing requests through the page and the service, under a profile that signs at
once: each gets its answer, in words, and none a certificate.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, SigningRequest, State
from aggportal.certs.services.receiving import receive_request
from aggportal.pki.csrreading import read_csr
from aggportal.pki.errors import PkiError
from tests.certs.makers import ANA, make_authority
from tests.certs.requests_made import set_in_profile
from tests.pki.evil_requests import WAITS
from tests.pki.evil_structures import EVIL, GENEROUS

# The library warns of what is odd; that is what these are for.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore")]
NEW, PREVIEW = "/requests/new/", "/requests/new/preview/"
PROFILE = "extension-serving"


@pytest.fixture
def authority() -> Authority:
    authority = make_authority()
    set_in_profile(authority, profile=PROFILE, auto_sign=True)
    authority.refresh_from_db()
    return authority


@pytest.fixture
def desk(client_of, issuer) -> Client:
    return client_of(issuer)


def hand_in(desk: Client, data: bytes, *, to: str = NEW):
    file = SimpleUploadedFile("evil.csr", data)
    fields = {"authority": "front-proxy-ca", "profile": PROFILE, "do": "hand-in"}
    return desk.post(to, {**fields, "file": file})


def served(authority: Authority, data: bytes) -> str:
    """What the service answers: a refusal's code, or the state of the request."""
    try:
        asked = receive_request(
            authority, read_csr(data), profile=PROFILE, by=ANA, now=timezone.now()
        )
    except PkiError as refused:
        return refused.code if str(refused.sentence) else "refused without words"
    return {State.PENDING: WAITS}.get(State(asked.state), asked.state)


def paged(desk: Client, data: bytes) -> str:
    """What is wrong with how the page refuses it; what waits already is refused a second time."""
    answers = [hand_in(desk, data, to=address) for address in (PREVIEW, NEW)]
    statuses = [answer.status_code for answer in answers]
    if len(data) > 5_000_000:
        return "" if statuses == [413, 413] else f"taken: {statuses}"
    beside = "field-errors" in answers[1].text
    return "" if statuses == [200, 422] and beside else f"{statuses}, beside the field: {beside}"


def test_there_are_more_than_forty_and_no_two_the_same() -> None:
    made = {maker() for group in EVIL.values() for _answer, maker in group.values()}
    assert len(made) == sum(map(len, EVIL.values())) > 120


@pytest.mark.parametrize("group", EVIL.values(), ids=EVIL)
def test_evil_csr_corpus(authority, desk, group) -> None:
    made = {case: maker() for case, (_answer, maker) in group.items()}
    answers = {case: served(authority, data) for case, data in made.items()}
    assert answers == {case: answer for case, (answer, _maker) in group.items()}
    wrong = {case: said for case, data in made.items() if (said := paged(desk, data))}
    assert wrong == {}
    assert not Certificate.objects.exists()
    waiting = sum(answer == WAITS for answer in answers.values())
    assert SigningRequest.objects.filter(state=State.PENDING).count() == waiting


def test_what_a_request_asks_beyond_the_profile_is_not_given(authority, desk) -> None:
    for maker in GENEROUS.values():
        assert hand_in(desk, maker()).status_code == 302
    rows = Certificate.objects.all()
    assert len(rows) == len(GENEROUS)
    for row in rows:
        made = x509.load_pem_x509_certificate(row.material.pem.encode())
        kinds = {type(extension.value) for extension in made.extensions}
        assert not kinds & {x509.UnrecognizedExtension, x509.NameConstraints}, row.subject
        assert not made.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(uses) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
        assert "masters" not in str(made.extensions)
