"""The flags page: it renders what was chosen, for whoever may read, with an address to share."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest
import yaml
from django.urls import reverse

from aggportal.certs.models import Lane
from tests.snippets.stored import made_authority, made_client, store_authority, store_certificate

PLAIN = [
    "--requestheader-client-ca-file=/etc/kubernetes/ssl/aggregator-ca.pem",
    "--requestheader-allowed-names=aggregator",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-username-headers=X-Remote-User",
    "--proxy-client-cert-file=/etc/kubernetes/ssl/aggregator.pem",
    "--proxy-client-key-file=/etc/kubernetes/ssl/aggregator-key.pem",
]


def shown(answer, key="plain") -> str:
    """The text of one file, as a person would copy it from the page."""
    found = re.search(rf'<pre id="file-{key}"[^>]*>(.*?)</pre>', answer.content.decode(), re.DOTALL)
    assert found, f"no file {key} on the page"
    return unescape(found[1])


def linked(address: str, text: str) -> str:
    """The first link on the page whose address matches."""
    found = re.search(rf'href="({address})"', text)
    assert found, f"no link to {address}"
    return unescape(found[1])


def arguments(text: str) -> list[str]:
    return shlex.split(text.replace("\\\n", " "))


@pytest.mark.usefixtures("certificate")
def test_the_first_visit_shows_flags_for_what_could_be_chosen(flags):
    answer = flags(live=False)
    assert answer.status_code == 200
    assert arguments(shown(answer)) == PLAIN


def test_every_choice_is_in_the_flags(flags, authority, certificate):
    answer = flags(
        authority=authority.slug,
        certificate=certificate.pk,
        directory="/srv/pki",
        kube_proxy="no",
        names="second\n\n  third one \nsecond",
        version="33",
        uid="on",
    )
    assert answer.status_code == 200
    given = arguments(shown(answer))
    assert "--requestheader-allowed-names=aggregator,second,third one" in given
    assert "--proxy-client-key-file=/srv/pki/aggregator-key.pem" in given
    assert "--enable-aggregator-routing=true" in given
    assert "--requestheader-uid-headers=X-Remote-Uid" in given


@pytest.mark.usefixtures("certificate")
@pytest.mark.parametrize(
    "key",
    ["plain", "systemd", "static-pod", "kubeadm-v1beta3", "kubeadm-v1beta4", "k3s",
     "rke2", "kubespray"],
)  # fmt: skip
def test_every_way_has_a_tab_a_download_and_steps(flags, key):
    answer = flags(way=key)
    text = answer.content.decode()
    assert text.count('aria-current="true"') == 1
    assert text.count('<ol class="steps">') == 2
    downloaded = flags(live=False, path=linked(rf"/flags/download/{key}/[^\"]*", text))
    assert downloaded.content.decode() == shown(answer, key)
    assert downloaded.headers["Content-Disposition"].startswith('attachment; filename="')


@pytest.mark.usefixtures("certificate")
def test_a_tab_keeps_the_other_choices(flags):
    text = flags(directory="/srv/pki").content.decode()
    link = linked(r"[^\"]*way=kubeadm-v1beta4[^\"]*", text)
    body = yaml.safe_load(shown(flags(path=link), "kubeadm-v1beta4"))
    assert body["apiServer"]["extraVolumes"][0]["hostPath"] == "/srv/pki"


@pytest.mark.usefixtures("certificate")
def test_a_version_hides_the_ways_that_it_does_not_know(flags):
    assert "way=kubeadm-v1beta3" not in flags(version="37").content.decode()
    assert "way=kubeadm-v1beta4" not in flags(version="30").content.decode()


@pytest.mark.usefixtures("certificate")
def test_htmx_gets_the_result_and_the_notes_alone(flags):
    text = flags(live=True).content.decode()
    assert "<html" not in text
    assert '<section class="card" id="flags-result"' in text
    assert 'id="notes-directory" hx-swap-oob="true"' in text


def test_another_authority_brings_its_own_certificates(flags, authority, certificate):
    other = made_authority("other-ca")
    other_row = store_authority(other, slug="other", lane=Lane.GENERAL)
    newer = store_certificate(made_client(other, "other-client"), other_row)
    answer = flags(authority="other", certificate=certificate.pk, certificate_of=authority.slug)
    text = answer.content.decode()
    assert "--requestheader-allowed-names=other-client" in arguments(shown(answer))
    assert f'<option value="{newer.pk}" selected>' in text
    assert f'<option value="{certificate.pk}"' not in text


def test_the_newest_certificate_that_a_client_may_use_is_proposed(
    flags, ca, authority, certificate
):
    store_certificate(made_client(ca, "server", extended=()), authority)
    assert arguments(shown(flags())) == PLAIN


def test_without_an_authority_the_page_offers_the_first_step(flags, db):
    store_authority(made_authority("serving-ca"), slug="serving", lane=Lane.SERVING)
    text = flags(live=False).content.decode()
    assert "No front-proxy authority yet" in text
    assert reverse("certs:authority_list") in text


def test_an_administrator_is_led_to_making_one(client_of, administrator):
    assert (
        reverse("certs:authority_new") in client_of(administrator).get("/flags/").content.decode()
    )


def test_an_issuer_is_led_to_issuing_the_missing_certificate(client_of, issuer, authority):
    answer = client_of(issuer).get("/flags/")
    assert (
        f"{reverse('certs:certificate_new')}?authority={authority.slug}" in answer.content.decode()
    )


@pytest.mark.usefixtures("certificate")
def test_the_page_says_where_the_files_are(flags, certificate):
    assert reverse("certs:certificate_show", args=[certificate.pk]) in flags().content.decode()


def test_a_stranger_is_refused(client_of, stranger, certificate):
    client = client_of(stranger)
    assert client.get("/flags/").status_code == 403
    assert client.get("/flags/download/plain/").status_code == 403


def test_nobody_reads_without_signing_in(client, db):
    assert client.get("/flags/").status_code == 302


@pytest.mark.parametrize("path", ["/flags/", "/flags/download/plain/"])
def test_the_page_is_only_read(client_of, viewer, path):
    assert client_of(viewer).post(path).status_code == 405


@pytest.mark.usefixtures("certificate")
def test_an_unknown_file_is_not_found(flags):
    assert flags(live=False, path="/flags/download/nonsense/").status_code == 404
