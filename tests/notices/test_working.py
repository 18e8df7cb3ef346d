"""The worker's jobs, and the command that does it alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from aggportal.env import email_settings
from aggportal.notices import jobs
from aggportal.notices.models import Delivery, DeliveryState, Notice
from aggportal.notices.services import courier
from aggportal.web.periodic import Schedule
from tests.notices.makers import DAY, ending, make_authority, webhook_channel
from tests.notices.servers import Hook, hook_server, wait_for

transaction = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hook():
    with hook_server(Hook()) as found:
        yield found


def soon(days: float = 5):
    """A certificate that ends so many days from the present."""
    now = timezone.now()
    certificate = ending(make_authority(), days=days)
    row = type(certificate).objects.filter(pk=certificate.pk)
    row.update(not_before=now - 300 * DAY, not_after=now + days * DAY)


@transaction
def test_the_jobs_notice_and_send_without_holding_up_the_round(hook):
    gate = threading.Event()
    hook.answer = lambda number: 204 if gate.wait(10) else 500
    soon()
    webhook_channel(hook.url)
    now = timezone.now()
    names = ("notices.notice", "notices.deliver", "notices.forget")
    mine = {name: job for name, job in Schedule().jobs.items() if name in names}
    assert len(mine) == 3
    begun = timezone.now()
    Schedule(jobs=mine).run_due(now=now)
    assert (timezone.now() - begun).total_seconds() < 2
    wait_for(lambda: hook.posted)
    jobs.deliver(now)  # one is under way: nothing else begins
    gate.set()
    wait_for(lambda: Delivery.objects.filter(state=DeliveryState.SENT).exists())
    assert len(hook.posted) == 1
    connection.close()


@transaction
def test_a_database_that_is_away_ends_the_way_and_the_next_begins_anew(monkeypatch):
    calls = []

    def away():
        calls.append(1)
        raise OperationalError("away")

    monkeypatch.setattr(courier, "deliver_due", away)
    sender = courier.Courier()
    sender.go()
    wait_for(lambda: len(calls) == 1)
    wait_for(lambda: sender._way and not sender._way.is_alive())
    sender.go()
    wait_for(lambda: len(calls) == 2)
    wait_for(lambda: sender._way and not sender._way.is_alive())


@transaction
def test_the_command_does_it_once_by_hand(hook):
    soon()
    webhook_channel(hook.url)
    said = StringIO()
    call_command("notices", "--once", stdout=said)
    assert said.getvalue() == "1 noticed, 1 delivered\n"
    call_command("notices", "--once", stdout=said)
    assert said.getvalue().endswith("0 noticed, 0 delivered\n")
    assert len(hook.posted) == Notice.objects.count() == 1


def test_the_command_runs_alone_until_it_is_stopped(tmp_path):
    environment = {
        **os.environ,
        "AGGPORTAL_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "aggportal.settings",
    }
    environment.pop("DATABASE_URL", None)
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True)
    process = subprocess.Popen(
        [*manage, "notices"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "0 noticed, 0 delivered\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "", "", False, False)),
        ("submission://u:p%40ss@mail.example", ("mail.example", 587, "u", "p@ss", True, False)),
        ("smtps://u@mail.example:4465/", ("mail.example", 4465, "u", "", False, True)),
    ],
)
def test_the_mail_server_is_read_from_one_address(url, expected):
    mail = email_settings(url)
    assert mail.configured
    found = (mail.host, mail.port, mail.user, mail.password, mail.starttls, mail.tls)
    assert found == expected
    assert "p@ss" not in repr(mail)


def test_without_an_address_mail_does_not_leave():
    assert not email_settings("").configured
    assert "console" in email_settings("console:").backend


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://a/b"])
def test_a_wrong_address_stops_the_start(url):
    with pytest.raises(ValueError, match="AGGPORTAL_EMAIL_URL"):
        email_settings(url)
