"""An authority's key leaves by the command alone: two approvals, one recipient, once."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role, give_role
from aggportal.certs.models import Authority, KeyExport
from aggportal.certs.services.approvals import AlreadyApproved, NotApproved, SelfApproval
from aggportal.certs.services.key_exporting import approve_export, ask_export, open_export
from aggportal.ledger.models import Entry
from aggportal.pki.errors import InvalidField
from aggportal.pki.keys import PrivateKey, load_private_key, private_key_pem
from aggportal.web.actors import Actor
from tests.certs.makers import make_authority, open_authority_key

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
REASON = "moves to another portal"


def recipient(key: PrivateKey, *, days: int = 30, may_encipher: bool = True) -> str:
    """A certificate of whoever is to get the key."""
    now, name = timezone.now(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rita")])
    flags = dict.fromkeys(
        ("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    ) | {"content_commitment": False, "encipher_only": False, "decipher_only": False}
    usage = x509.KeyUsage(digital_signature=True, key_encipherment=may_encipher, **flags)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - 60 * DAY).not_valid_after(now + days * DAY)
    signed = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


RITAS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def people(db: None) -> list[Actor]:
    """An administrator who asks, and two approvers."""
    made = []
    for name, role in (("a", Role.ADMINISTRATOR), ("b", Role.APPROVER), ("c", Role.APPROVER)):
        user = User.objects.create_user(name, f"{name}@example.com", "correct horse battery")
        give_role(user, role)
        made.append(Actor(id=user.pk, name=name))
    return made


def asked(authority: Authority, by: Actor, pem: str = "", *, now: dt.datetime | None = None) -> str:
    """Ask for the key; return the recipient's certificate."""
    pem = pem or recipient(RITAS)
    ask_export(authority, pem, reason=REASON, by=by, now=now or timezone.now())
    return pem


def approved(authority: Authority, *by: Actor) -> None:
    for person in by:
        export = open_export(authority)
        assert export is not None
        approve_export(export, seen=export.recipient_sha256, by=person, now=timezone.now())


def exported(authority: Authority, pem: str, folder: Path) -> Path:
    """Run the command; return the file that it wrote."""
    (folder / "recipient.pem").write_text(pem)
    out = folder / "key.cms"
    where = ["--recipient", str(folder / "recipient.pem"), "--out", str(out)]
    call_command("export_authority_key", authority.slug, *where, stdout=io.StringIO())
    return out


def test_two_approvals_let_it_out_to_the_recipient(people: list[Actor], tmp_path: Path) -> None:
    authority = make_authority()
    pem = asked(authority, people[0])
    approved(authority, *people[1:])
    out = exported(authority, pem, tmp_path)
    assert out.stat().st_mode & 0o777 == 0o600
    (tmp_path / "rita.pem").write_text(private_key_pem(RITAS))
    command = ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", str(out)]
    command += ["-recip", "recipient.pem", "-inkey", "rita.pem"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert load_private_key(ran.stdout).public_key() == open_authority_key(authority).public_key()
    shown = ["openssl", "cms", "-cmsout", "-print", "-inform", "PEM", "-in", str(out)]
    assert b"aes-256-cbc" in subprocess.run(shown, capture_output=True, check=True).stdout


def test_the_ledger_tells_who_asked_approved_and_got_it(
    people: list[Actor], tmp_path: Path
) -> None:
    authority = make_authority()
    pem = asked(authority, people[0])
    approved(authority, *people[1:])
    out = exported(authority, pem, tmp_path)
    told = Entry.objects.get(action="authority.key_exported").detail
    assert (told["asked_by"], told["approved_by"]) == ("a", ["b", "c"])
    assert told["recipient"] == "CN=rita"
    assert told["reason"] == REASON
    assert out.read_text() not in str(told)


def test_one_approval_is_not_enough(people: list[Actor], tmp_path: Path) -> None:
    authority = make_authority()
    pem = asked(authority, people[0])
    for voters in ((), (people[1],)):
        approved(authority, *voters)
        with pytest.raises(CommandError):
            exported(authority, pem, tmp_path)
        assert not (tmp_path / "key.cms").exists()
    assert not Entry.objects.filter(action="authority.key_exported").exists()


def test_nobody_approves_their_own_or_twice(people: list[Actor]) -> None:
    authority = make_authority()
    asked(authority, people[0])
    with pytest.raises(SelfApproval):
        approved(authority, people[0])
    approved(authority, people[1])
    with pytest.raises(AlreadyApproved):
        approved(authority, people[1])


def test_it_leaves_once(people: list[Actor], tmp_path: Path) -> None:
    authority = make_authority()
    pem = asked(authority, people[0])
    approved(authority, *people[1:])
    exported(authority, pem, tmp_path).rename(tmp_path / "first.cms")
    with pytest.raises(CommandError, match="approved"):
        exported(authority, pem, tmp_path)


def test_another_recipient_gets_nothing(people: list[Actor], tmp_path: Path) -> None:
    authority = make_authority()
    asked(authority, people[0])
    approved(authority, *people[1:])
    mallory = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for pem in (recipient(mallory), recipient(RITAS)):  # the same key in another certificate too
        with pytest.raises(CommandError, match="approved"):
            exported(authority, pem, tmp_path)


def test_another_authority_is_not_approved_with_it(people: list[Actor], tmp_path: Path) -> None:
    authority, other = make_authority(), make_authority("other")
    pem = asked(authority, people[0])
    approved(authority, *people[1:])
    with pytest.raises(CommandError, match="approved"):
        exported(other, pem, tmp_path)


def test_what_was_not_looked_at_is_not_approved(people: list[Actor]) -> None:
    authority = make_authority()
    asked(authority, people[0])
    export = open_export(authority)
    assert export is not None
    with pytest.raises(NotApproved, match="looked at"):
        approve_export(export, seen="0" * 64, by=people[1], now=timezone.now())


def test_approvals_end_after_a_day(people: list[Actor], tmp_path: Path) -> None:
    authority, yesterday = make_authority(), timezone.now() - DAY
    pem = asked(authority, people[0], now=yesterday + dt.timedelta(minutes=1))
    approved(authority, *people[1:])
    export = KeyExport.objects.get()
    assert export.proposal.expires_at <= timezone.now() + dt.timedelta(minutes=1)
    export.proposal.expires_at = timezone.now() - dt.timedelta(seconds=1)
    export.proposal.save()
    with pytest.raises(CommandError, match="expired"):
        exported(authority, pem, tmp_path)
    asked(authority, people[0])
    assert KeyExport.objects.count() == 2


@pytest.mark.parametrize(
    "pem",
    [
        "nothing",
        recipient(ec.generate_private_key(ec.SECP256R1())),
        recipient(RITAS, days=-1),
        recipient(RITAS, may_encipher=False),
        recipient(RITAS) + recipient(RITAS),
    ],
    ids=["no certificate", "no RSA", "ended", "no encipherment", "two"],
)
def test_a_recipient_that_cannot_be_is_refused_beside_the_field(
    administrator: User, client_of: Callable[[User], Client], pem: str
) -> None:
    authority = make_authority()
    data = {"recipient": pem, "reason": REASON, "confirm": authority.label}
    answer = client_of(administrator).post(f"{authority.get_absolute_url()}export/ask/", data)
    assert answer.status_code == 422
    assert not KeyExport.objects.exists()


def test_an_existing_file_is_not_overwritten(people: list[Actor], tmp_path: Path) -> None:
    authority = make_authority()
    pem = asked(authority, people[0])
    approved(authority, *people[1:])
    (tmp_path / "key.cms").write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        exported(authority, pem, tmp_path)
    assert (tmp_path / "key.cms").read_text() == "mine"
    (tmp_path / "key.cms").unlink()
    assert exported(authority, pem, tmp_path).exists()


def test_the_pages_ask_approve_and_end_and_give_no_key(
    people: list[Actor], client_of: Callable[[User], Client]
) -> None:
    authority = make_authority()
    page, clients = (
        f"{authority.get_absolute_url()}export/",
        [client_of(User.objects.get(username=person.name)) for person in people],
    )
    data = {"recipient": recipient(RITAS), "reason": REASON, "confirm": authority.label}
    assert clients[0].post(f"{page}ask/", {**data, "confirm": "wrong"}).status_code == 422
    assert clients[1].post(f"{page}ask/", data).status_code == 403
    assert clients[0].post(f"{page}ask/", data).status_code == 302
    seen = {"seen": KeyExport.objects.get().recipient_sha256, "confirm": authority.label}
    assert clients[0].post(f"{page}approve/", seen).status_code == 403
    for client in clients[1:]:
        assert client.post(f"{page}approve/", {**seen, "confirm": ""}).status_code == 422
        assert client.post(f"{page}approve/", seen).status_code == 302
    shown = clients[1].get(page).content.decode()
    assert "manage.py export_authority_key" in shown
    assert "PRIVATE KEY" not in shown
    assert clients[1].post(f"{page}reject/", {"why": ""}).status_code == 422
    assert clients[1].post(f"{page}reject/", {"why": "not needed"}).status_code == 302
    assert clients[1].post(f"{page}approve/", seen).status_code == 404


def test_a_viewer_reads_and_decides_nothing(
    people: list[Actor], viewer: User, client_of: Callable[[User], Client]
) -> None:
    authority = make_authority()
    asked(authority, people[0])
    client, page = client_of(viewer), f"{authority.get_absolute_url()}export/"
    assert client.get(page).status_code == 200
    for deed in ("ask", "approve", "reject"):
        assert client.post(f"{page}{deed}/", {"why": "no", "seen": "0"}).status_code == 403
    assert client.get(f"{page}ask/").status_code == 405


def test_a_reason_is_asked_for(people: list[Actor]) -> None:
    with pytest.raises(InvalidField) as caught:
        ask_export(
            make_authority(), recipient(RITAS), reason="why", by=people[0], now=timezone.now()
        )
    assert caught.value.field == "reason"
