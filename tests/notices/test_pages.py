"""The pages: who may, what is shown, what is refused."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from aggportal.clusters.models import Cluster
from aggportal.clusters.services.clusters import connect_cluster
from aggportal.kube.connections import from_token
from aggportal.ledger.models import Entry
from aggportal.notices.models import Channel, Delivery, DeliveryState, Item, Policy
from aggportal.notices.services.delivering import bundle_waiting, deliver_due
from aggportal.notices.services.noticing import notice_what_is_due
from tests.notices.makers import ADA, DAY, ending, mail_channel, make_authority, webhook_channel

pytestmark = pytest.mark.django_db

EMAIL = {"name": "ops", "recipients": "ops@example.com", "rhythm": "at-once", "hour": "7"}
EMAIL |= {"weekday": "0", "enabled": "on"}
HOOK = EMAIL | {"name": "hook", "url": "https://hooks.example.com/T0/secret-path"}


@pytest.fixture
def cluster() -> Cluster:
    connection = from_token("https://192.0.2.1:6443", None, "a-token-of-the-tests")
    return connect_cluster("lab", connection, by=ADA, now=timezone.now())


def new(kind):
    return reverse("notices:channel_new", args=[kind])


def at(name, *args):
    return reverse(f"notices:{name}", args=args)


READ = ["notice_list", "policy_list", "calendar_show"]


@pytest.mark.parametrize("name", READ)
def test_a_viewer_reads_and_a_stranger_does_not(name, viewer, stranger, client_of, client):
    assert client_of(viewer).get(at(name)).status_code == 200
    assert client_of(stranger).get(at(name)).status_code == 403
    assert client.get(at(name)).status_code == 302
    assert client_of(viewer).post(at(name)).status_code == 405


def test_only_an_administrator_changes_anything(issuer, client_of):
    channel, authority = mail_channel(), make_authority()
    client = client_of(issuer)
    pages = [
        new("email"),
        at("channel_edit", channel.pk),
        at("channel_delete", channel.pk),
        at("policy_edit", authority.slug),
        at("policy_edit_others"),
    ]
    for page in pages:
        assert client.get(page).status_code == client.post(page).status_code == 403
    assert client.post(at("channel_test", channel.pk)).status_code == 403
    assert client.post(at("delivery_retry", 1)).status_code == 403
    assert at("channel_edit", channel.pk) not in client.get(at("notice_list")).content.decode()


def test_what_only_posts_does_not_answer_get(administrator, client_of):
    client, channel = client_of(administrator), mail_channel()
    assert client.get(at("channel_test", channel.pk)).status_code == 405
    assert client.get(at("delivery_retry", 1)).status_code == 405


def test_an_empty_portal_says_so(viewer, client_of):
    page = client_of(viewer).get(at("notice_list")).content.decode()
    assert "Nothing that the portal knows of ends." in page
    assert "There is none yet" in page
    assert "Nothing has reached a threshold yet." in page


def test_the_page_tells_what_comes_what_was_noticed_and_what_failed(
    administrator, client_of, settings
):
    settings.EMAIL_CONFIGURED = False
    now = timezone.now()
    authority = make_authority()
    certificate = ending(authority, days=5)
    moved = {"not_before": now - 300 * DAY, "not_after": now + 5 * DAY}
    type(certificate).objects.filter(pk=certificate.pk).update(**moved)
    mail_channel("ops mail")
    mail_channel("the digest", rhythm="weekly", weekday=3, hour=6)
    notice_what_is_due(now=now)
    deliver_due(clock=lambda: now)
    page = client_of(administrator).get(at("notice_list")).content.decode()
    assert certificate.get_absolute_url() in page
    assert "The certificate api ends in 5" in page or "The certificate api ends in 4" in page
    assert "The portal has no way to send mail" in page
    assert "the digest:" in page
    assert "Thursday" in page
    assert "mail is not configured" in page


def test_a_hostile_name_is_shown_harmless(viewer, client_of):
    now = timezone.now()
    certificate = ending(make_authority(), days=5)
    name = "<script>alert(1)</script>\u202eevil"
    row = type(certificate).objects.filter(pk=certificate.pk)
    row.update(common_name=name, not_before=now - 300 * DAY, not_after=now + 5 * DAY)
    notice_what_is_due(now=now)
    page = client_of(viewer).get(at("notice_list")).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\\u{202E}evil" in page


def test_an_administrator_makes_each_kind_of_channel(administrator, client_of, cluster):
    client = client_of(administrator)
    event = EMAIL | {"name": "events", "cluster": cluster.slug, "namespace": "kube-system"}
    forms = {"email": EMAIL, "webhook": HOOK | {"secret": "a-plain-long-secret"}, "event": event}
    for kind, form in forms.items():
        assert client.get(new(kind)).status_code == 200
        answer = client.post(new(kind), form)
        channel = Channel.objects.get(kind=kind)
        assert answer["Location"] == channel.get_absolute_url()
        assert client.get(channel.get_absolute_url()).status_code == 200
        assert client.post(new(kind), form).status_code == 422  # the name is taken
    assert Entry.objects.filter(action="channel.created").count() == 3
    assert client.get(at("notice_list")).content.decode().count("hooks.example.com") == 1


def test_a_kind_that_does_not_exist_is_not_found(administrator, client_of):
    assert client_of(administrator).get(new("pigeon")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("email", {"recipients": "nobody"}, "nobody is no e-mail address"),
        ("email", {"recipients": ""}, "Name at least one recipient"),
        ("email", {"recipients": "a@b.example\nBcc: x"}, "is no e-mail address"),
        ("email", {"recipients": " ".join(f"a{n}@b.example" for n in range(51))}, "more than 50"),
        ("email", {"hour": "24"}, "less than or equal to 23"),
        ("email", {"rhythm": "hourly"}, "Select a valid choice"),
        ("email", {"weekday": "9"}, "Select a valid choice"),
        ("email", {"name": ""}, "This field is required"),
        ("webhook", {"url": ""}, "This field is required"),
        ("webhook", {"url": "gopher://x"}, "must begin with https"),
        ("webhook", {"secret": "short"}, "too short"),
        ("webhook", {"secret": "whsec_???"}, "base64 must follow"),
        ("webhook", {"secret": "whsec_né"}, "base64 must follow"),
        ("webhook", {"ca_pem": "none"}, "no certificate in PEM"),
        ("webhook", {"ca_pem": "né"}, "no certificate in PEM"),
        ("event", {"namespace": "Not_A_Namespace"}, "A namespace is lower-case"),
        ("event", {"cluster": "no-such"}, "Select a valid choice"),
    ],
)
def test_bad_input_is_answered_beside_the_field(
    kind, change, words, administrator, client_of, cluster
):
    form = HOOK | {"cluster": cluster.slug, "namespace": "default"} | change
    answer = client_of(administrator).post(new(kind), form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Channel.objects.count() == 0


def test_nothing_at_all_is_bad_input_too(administrator, client_of):
    client = client_of(administrator)
    for kind in ("email", "webhook", "event"):
        assert client.post(new(kind), {}).status_code == 422
    assert client.post(at("policy_edit_others"), {}).status_code == 422


def test_neither_address_nor_secret_of_a_webhook_is_shown_again(administrator, client_of):
    client = client_of(administrator)
    client.post(new("webhook"), HOOK | {"secret": "a-plain-long-secret"})
    channel = Channel.objects.get()
    pages = [channel.get_absolute_url(), at("notice_list"), at("channel_delete", channel.pk)]
    pages.append(reverse("ledger:entry_list"))
    for page in pages:
        shown = client.get(page).content.decode()
        assert "secret-path" not in shown
        assert "a-plain-long-secret" not in shown
    refused = client.post(new("webhook"), HOOK | {"secret": "a-plain-long-secret", "hour": "99"})
    assert "a-plain-long-secret" not in refused.content.decode()


def test_saving_without_address_and_secret_keeps_them(administrator, client_of):
    client = client_of(administrator)
    channel = webhook_channel("https://hooks.example.com/x", secret="a-plain-long-secret")
    form = EMAIL | {"name": "renamed", "url": "", "secret": ""}
    assert client.post(channel.get_absolute_url(), form).status_code == 302
    kept = Channel.objects.get()
    assert (kept.name, kept.sealed_id, kept.signed) == ("renamed", channel.sealed_id, True)
    client.post(channel.get_absolute_url(), form | {"unsigned": "on"})
    assert not Channel.objects.get().signed


def test_a_test_says_how_it_went(administrator, client_of, settings):
    client, channel = client_of(administrator), mail_channel()
    settings.EMAIL_CONFIGURED = False
    said = client.post(at("channel_test", channel.pk), follow=True).content.decode()
    assert "The test did not leave: The portal has no way to send mail" in said
    settings.EMAIL_CONFIGURED = True
    said = client.post(at("channel_test", channel.pk), follow=True).content.decode()
    assert "The test was taken" in said
    outcomes = Entry.objects.filter(action="channel.tested").values_list("outcome", flat=True)
    assert sorted(outcomes) == ["done", "failed"]


def test_a_channel_is_removed_after_its_name_is_typed(administrator, client_of):
    client, channel = client_of(administrator), webhook_channel("https://hooks.example.com/x")
    page = at("channel_delete", channel.pk)
    assert client.get(page).status_code == 200
    assert client.post(page, {"confirm": "other"}).status_code == 422
    assert client.post(page, {"confirm": "hook"}).status_code == 302
    assert client.post(page, {"confirm": "hook"}).status_code == 404
    assert Entry.objects.get(action="channel.deleted").object_id == str(channel.pk)


def test_a_delivery_that_was_given_up_goes_out_again_once(administrator, client_of):
    now = timezone.now()
    channel = mail_channel()
    delivery = Delivery.objects.create(
        channel=channel,
        state=DeliveryState.FAILED,
        attempts=9,
        next_try_at=now,
        created_at=now,
        trouble={"text": "It rained.", "params": {}},
    )
    client, page = client_of(administrator), at("delivery_retry", delivery.pk)
    assert "It rained." in client.get(at("notice_list")).content.decode()
    assert client.post(page).status_code == 302
    assert client.post(page).status_code == 409
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)


def test_a_policy_is_changed(administrator, client_of):
    client, authority = client_of(administrator), make_authority()
    mail_channel("one")
    two = mail_channel("two")
    page = at("policy_edit", authority.slug)
    assert "30, 14, 7, 1, 0" in client.get(page).content.decode()
    form = {"enabled": "on", "days": "45 10,3", "authority_days": "400, 100", "channels": [two.pk]}
    assert client.post(page, form).status_code == 302
    assert client.post(page, form).status_code == 302  # the same again changes nothing
    policy = Policy.objects.get()
    assert (policy.days, policy.authority_days) == ([45, 10, 3], [400, 100])
    assert (policy.lists, policy.all_channels, list(policy.channels.all())) == (False, False, [two])
    told = Entry.objects.filter(action="notice_policy.changed", object_kind="authority")
    assert set(told.values_list("object_id", flat=True)) == {authority.slug}
    shown = client.get(at("policy_list")).content.decode()
    assert "45, 10, 3" in shown
    assert client.get(page).status_code == 200
    others = at("policy_edit_others")
    assert client.get(others).status_code == 200
    assert client.post(others, {"days": "9", "all_channels": "on"}).status_code == 302
    assert not Policy.objects.get(authority=None).enabled
    assert "switched off" in client.get(at("policy_list")).content.decode()


@pytest.mark.parametrize(
    "days", ["", "soon", "-1", "1.5", "4000", "99999", "1 2 3 4 5 6 7 8 9 10 11"]
)
def test_thresholds_that_are_none_are_refused(days, administrator, client_of):
    form = {"days": days, "enabled": "on", "all_channels": "on"}
    assert client_of(administrator).post(at("policy_edit_others"), form).status_code == 422
    assert Policy.objects.count() == 0


def test_the_left_bar_leads_here(viewer, client_of):
    page = client_of(viewer).get(reverse("dashboard:dashboard_show")).content.decode()
    assert f'href="{at("notice_list")}"' in page


def test_pages_take_few_queries(viewer, client_of, django_assert_max_num_queries):
    now = timezone.now()
    authority = make_authority()
    mail_channel("one"), mail_channel("two")
    for number in range(10):
        certificate = ending(authority, f"api-{number}", days=5)
        type(certificate).objects.filter(pk=certificate.pk).update(
            not_before=now - 300 * DAY, not_after=now + 5 * DAY
        )
    notice_what_is_due(now=now)
    bundle_waiting(now=now)
    assert Item.objects.count() == 20
    client = client_of(viewer)
    with django_assert_max_num_queries(20):
        assert client.get(at("notice_list")).status_code == 200
