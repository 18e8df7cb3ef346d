"""A sealed portal reads and does not sign; its passphrase mends it for all processes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from aggportal.accounts.models import User
from aggportal.certs.models import Certificate
from aggportal.certs.services.crls import publish_crl
from aggportal.ledger.models import Entry, Outcome
from aggportal.vault.configured import SealedPortal, provider
from aggportal.vault.errors import NoKey
from aggportal.vault.handing import hand_over, open_keys
from aggportal.vault.unsealing import seal_portal, unseal_portal
from aggportal.web.actors import system_actor
from tests.certs.makers import ANA, make_authority, make_certificate
from tests.certs.pages_used import send, typed
from tests.vault.installed import SAID, use_key_file, use_passphrase

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
TEST = system_actor("test")


@pytest.fixture
def sealed(settings: Any, tmp_path: Path) -> None:
    """An installation whose key lies under a passphrase that nobody has said yet."""
    use_passphrase(settings, tmp_path)


def unseal() -> None:
    unseal_portal(SAID, by=TEST, now=timezone.now())


def test_a_portal_under_a_passphrase_starts_sealed(sealed: None) -> None:
    with pytest.raises(SealedPortal, match="administrator unseals"):
        make_authority()


def test_the_passphrase_unseals_and_sealing_takes_the_key_away(sealed: None) -> None:
    unseal()
    certificate = make_certificate(make_authority())
    seal_portal(by=TEST, now=timezone.now())
    with pytest.raises(SealedPortal):
        provider()
    unseal()
    assert certificate.key is not None
    assert certificate.key.open()
    told = list(Entry.objects.filter(action__startswith="keys.").values_list("action", "outcome"))
    done = Outcome.DONE
    assert told == [("keys.unsealed", done), ("keys.sealed", done), ("keys.unsealed", done)]


def test_another_process_is_unsealed_too(sealed: None, settings: Any) -> None:
    told, opened = open_keys(SAID)
    hand_over(opened)
    env = {
        **os.environ,
        "AGGPORTAL_KEK": "",
        "AGGPORTAL_KEY_PROVIDER": "passphrase",
        "AGGPORTAL_PASSPHRASE_FILE": str(settings.PASSPHRASE_FILE),
        "AGGPORTAL_RUNTIME_DIR": str(settings.RUNTIME_DIR),
        "DJANGO_SETTINGS_MODULE": "aggportal.settings",
    }
    code = (
        "import django; django.setup()\n"
        "from aggportal.vault.configured import provider\n"
        "print(provider().kek_id)"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert ran.stdout.split() == [told.kek_ids[0]], ran.stderr


def test_only_the_processes_of_this_person_reach_the_unsealed_key(
    sealed: None, settings: Any
) -> None:
    unseal()
    keys = [path for path in settings.RUNTIME_DIR.rglob("*") if path.is_file()]
    assert [path.stat().st_mode & 0o777 for path in keys] == [0o600]
    assert settings.PASSPHRASE_FILE.stat().st_mode & 0o777 == 0o600


def test_what_is_sealed_is_read_and_not_signed(
    sealed: None, administrator: User, client_of: SignIn
) -> None:
    unseal()
    authority = make_authority()
    certificate = make_certificate(authority)
    published = publish_crl(authority, by=ANA, now=timezone.now())
    seal_portal(by=TEST, now=timezone.now())
    client = client_of(administrator)
    for path in ("/", authority.get_absolute_url(), certificate.get_absolute_url(), "/audit/"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert "The portal is sealed" in page.content.decode()
        assert "/unseal/" in page.content.decode()
    assert Client().get(f"/pki/{authority.slug}.crl").content == bytes(published.der)
    with pytest.raises(NoKey):
        make_certificate(authority, "another")
    assert Certificate.objects.count() == 1


def test_signing_on_a_page_of_a_sealed_portal_answers_503_with_words(
    sealed: None, administrator: User, client_of: SignIn
) -> None:
    unseal()
    authority = make_authority()
    certificate = make_certificate(authority)
    seal_portal(by=TEST, now=timezone.now())
    client = client_of(administrator)
    answers = [
        client.post(f"/certificates/{certificate.pk}/bundle.tar.gz"),
        client.post(f"/authorities/{authority.slug}/crl/publish/", {"number": "0"}),
        send(client, typed(authority, CN="another")),
    ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all("The portal is sealed" in answer.content.decode() for answer in answers)


def test_everybody_is_told_and_administrators_how_to_mend_it(
    sealed: None, viewer: User, administrator: User, client_of: SignIn
) -> None:
    page = client_of(viewer).get("/").content.decode()
    assert "The portal is sealed" in page
    assert "/unseal/" not in page
    assert client_of(viewer).get("/unseal/").status_code == 403
    assert client_of(viewer).post("/unseal/", {"passphrase": SAID}).status_code == 403
    assert "Unseal the portal" in client_of(administrator).get("/").content.decode()


def test_the_page_unseals(sealed: None, administrator: User, client_of: SignIn) -> None:
    client = client_of(administrator)
    wrong = client.post("/unseal/", {"passphrase": "not the right words"})
    assert wrong.status_code == 422
    assert "not the right words" not in wrong.content.decode()
    assert "does not open the key" in wrong.content.decode()
    assert client.post("/unseal/", {"passphrase": SAID}).status_code == 302
    assert "The portal is sealed" not in client.get("/").content.decode()
    assert client.post("/unseal/", {"do": "seal"}).status_code == 302
    assert "The portal is sealed" in client.get("/").content.decode()
    outcomes = Entry.objects.filter(action="keys.unsealed").values_list("outcome", flat=True)
    assert list(outcomes.order_by("seq")) == [Outcome.FAILED, Outcome.DONE]


def test_no_passphrase_stands_in_the_ledger(sealed: None) -> None:
    unseal()
    kept = "".join(str(entry.canonical) for entry in Entry.objects.all())
    assert "keys.unsealed" in kept
    assert SAID not in kept


def test_the_commands_make_unseal_and_seal(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_passphrase(settings, tmp_path)
    settings.PASSPHRASE_FILE = tmp_path / "keys" / "second.json"
    for command, said in (("make_keys", "second passphrase"), ("unseal", "second passphrase")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{said}\n"))
        call_command(command, "--stdin", stdout=io.StringIO())
    assert provider().kek_id
    call_command("seal", stdout=io.StringIO())
    monkeypatch.setattr("sys.stdin", io.StringIO("something else\n"))
    with pytest.raises(CommandError, match="Nothing was unsealed"):
        call_command("unseal", "--stdin")


def test_a_portal_without_a_passphrase_says_so(
    settings: Any, tmp_path: Path, administrator: User, client_of: SignIn
) -> None:
    use_key_file(settings, tmp_path)
    answer = client_of(administrator).post("/unseal/", {"passphrase": SAID})
    assert answer.status_code == 409
    assert "nothing to unseal" in answer.content.decode()


def test_the_probe_tells_the_truth_and_lets_readers_through(
    sealed: None, settings: Any, tmp_path: Path
) -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "signing": "sealed"})
    unseal()
    assert Client().get("/readyz").json()["signing"] == "ok"
    make_authority()
    use_key_file(settings, tmp_path)
    assert Client().get("/readyz").json()["signing"] == "partly"
    settings.KEK_FILE.unlink()
    assert Client().get("/readyz").json()["signing"] == "no key"


def test_a_key_of_another_installation_is_said_on_the_first_page(
    settings: Any, tmp_path: Path, viewer: User, client_of: SignIn
) -> None:
    make_authority()
    use_key_file(settings, tmp_path)
    page = client_of(viewer).get("/").content.decode()
    assert "Some keys cannot be used" in page
    assert "another key-encryption key" in page
