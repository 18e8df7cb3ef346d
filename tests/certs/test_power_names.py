"""B8: names that are power in sixty spellings and more, at every door that signs: none is issued
without two people.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from aggportal.certs.models import Authority, Certificate, Lane, Mode, OwnRequest, SigningRequest
from aggportal.certs.services.authorities import create_authority
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.intermediates import create_intermediate
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.certs.services.own_requests import OwnChoices, create_own_request
from aggportal.certs.services.received import Decision, sign_request
from aggportal.pki.errors import PkiError, ReservedIdentity
from aggportal.pki.powernames import power_names, power_names_of
from aggportal.pki.requests import load_request_spec
from tests.certs.makers import ANA, P256, make_authority, preset_config
from tests.certs.requests_made import PROFILE, hand_in, set_in_profile

pytestmark = pytest.mark.django_db
REASON = "one person says that this is fine"
SPELLINGS = (
    *("system:masters", "System:Masters", "SYSTEM:MASTERS", "sYsTeM:mAsTeRs", " system:masters "),
    *("system :masters", "system: masters", "s y s t e m : m a s t e r s", "system:masters\u00a0"),
    *(
        "system\u200b:masters",
        "system:mas\u200dters",
        "system:\u2060masters",
        "system:masters\u180e",
    ),
    *("system:mast\u00aders", "\ufeffsystem:masters", "\u202esystem:masters"),
    *("system\u2066:masters", "\U000e0001system:masters"),
    *("\uff53\uff59\uff53\uff54\uff45\uff4d\uff1a\uff4d\uff41\uff53\uff54\uff45\uff52\uff53",),
    *("system\uff1amasters", "system\u2236masters", "system\ua789masters", "system\u02d0masters"),
    *("system\u0589masters", "system\u05c3masters", "system\ufe55masters", "system\u16ecmasters"),
    *("\u0455ystem:masters", "s\u0443stem:masters", "system:m\u0430sters", "syst\u0435m:masters"),
    *("\u0455\u0443\u0455tem:m\u0430\u0455ters", "system:maste\u0433s", "system:\u043casters"),
    *("sys\u0442em:masters", "system:mas\u0442ers", "\u0405YSTEM:MASTERS", "SYSTEM:\u041cASTERS"),
    *("SYS\u03a4EM:MASTERS", "SYSTEM:M\u0391STERS", "SYSTEM:\u039cASTERS", "s\u03b3stem:masters"),
    *("sy\u017ftem:ma\u017fters", "\u24e2\u24e8\u24e2\u24e3\u24d4\u24dc:masters"),
    *("\U0001d42c\U0001d432\U0001d42c\U0001d42d\U0001d41e\U0001d426:masters",),
    *("system:m\u0251sters", "system:\u217fasters"),
    *("s\u00fdstem:masters", "system:m\u00e4sters", "sy\u0301stem:masters", "system:masters\u0332"),
    *("syst\u0247m:masters", "system:mas\u0167ers", "\ua731\u028f\ua731\u1d1b\u1d07\u1d0d:masters"),
    *("systern:masters", "system:rnasters", "system:node:master", "SYSTEM:NODE:x", "system:nodes"),
    *("system:anonymous", "system:kube-scheduler", "system:serviceaccount:kube-system:default"),
    *("kubeadm:cluster-admins", "KUBEADM:Cluster-Admins", "kubeadm:cIuster-admins", "system:"),
    *("kubeadm:cluster\u2011admins", "kubeadm:cluster\u2013admins", "kubeadm\uff1acluster-admins"),
    *("kub\u0435adm:cluster-admins", "kubeadm:c1uster-admins", "kubeadm:cluster-\u0430dmins"),
)
ORDINARY = (
    *("jane", "aggregator", "front-proxy-client", "system", "systematic", "masters", "k8s"),
    *("ecosystem: masters", "cluster-admins", "kubernetes", "Система", "σύστημα", "nodes"),
)


def issue_for(
    authority: Authority, named: dict[str, Any], reason: str, *, strict: bool = True
) -> None:
    spec = load_request_spec({"key": P256, **named}, strict=strict)
    choices = IssueChoices(profile=PROFILE, file_base="x", override_reason=reason)
    issue_certificate(authority, spec, choices, by=ANA, now=timezone.now())


@pytest.fixture(scope="module")
def subjects() -> list[x509.Name]:
    """Each spelling alone, in a multi-valued RDN, behind harmless ones, and in odd attributes."""
    kinds = itertools.cycle((NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME, NameOID.SURNAME))
    names = []
    for value, kind in zip(SPELLINGS, kinds, strict=False):
        bad, good = x509.NameAttribute(kind, value), x509.NameAttribute(NameOID.LOCALITY_NAME, "x")
        several = x509.RelativeDistinguishedName([good, bad])
        names += [x509.Name([good, bad]), x509.Name([several])]
    return names


def test_sixty_spellings_are_found_wherever_they_stand(subjects: list[x509.Name]) -> None:
    assert len(set(SPELLINGS)) >= 60
    unseen = [name for name in subjects if not power_names(name)]
    assert unseen == []


def test_ordinary_names_are_not_power() -> None:
    found = [
        value
        for value in ORDINARY
        if power_names(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)]))
    ]
    assert found == []


@pytest.mark.parametrize("mode", Mode)
def test_reserved_identity_refused(mode: Mode) -> None:
    """The form's door, in strict and in compat, with a reason that only one person gives."""
    authority = make_authority(mode=mode)
    for place, value in enumerate(SPELLINGS):
        named = {"CN": value} if place % 2 else {"CN": "x", "names": [{"O": value}]}
        for reason in ("", REASON):
            with pytest.raises(PkiError):
                issue_for(authority, named, reason, strict=mode != Mode.COMPAT)
    assert (Certificate.objects.count(), SigningRequest.objects.count()) == (0, 0)


@pytest.mark.parametrize("mode", Mode)
def test_requests_of_others_are_not_signed_at_once_or_by_one(mode: Mode) -> None:
    authority = make_authority(mode=mode)
    set_in_profile(authority, auto_sign=True)
    authority.refresh_from_db()
    decision = Decision(profile=PROFILE, override_reason=REASON)
    for value in SPELLINGS[::4]:
        try:
            waits = hand_in(authority, subject=[("O", value), ("CN", "web")])
        except PkiError:
            continue
        with pytest.raises(PkiError):
            sign_request(waits, decision, by=ANA, now=timezone.now())
    assert SigningRequest.objects.waiting().exists()
    assert not Certificate.objects.exists()


def test_own_requests_authorities_and_what_is_below_them_are_refused() -> None:
    root, now = make_authority(), timezone.now()
    for value in ("system:masters", "sуstem:mаsters", "kubeadm:cluster-admins"):
        spec = load_request_spec({"CN": value, "key": P256})
        choices = AuthorityChoices(
            label="x",
            slug="x",
            lane=Lane.GENERAL,
            mode=Mode.COMPAT,
            file_base="x",
            signing_config=preset_config("aggregator"),
            override_reason=REASON,
        )
        with pytest.raises(ReservedIdentity):
            create_authority(spec, choices, by=ANA, now=now)
        with pytest.raises(ReservedIdentity):
            create_intermediate(spec, choices, parent=root, by=ANA, now=now)
        with pytest.raises(ReservedIdentity):
            create_own_request(spec, OwnChoices(file_base="x"), by=ANA, now=now)
    assert (Authority.objects.count(), OwnRequest.objects.count()) == (1, 0)


def test_the_front_proxys_name_counts_in_any_spelling_and_attribute() -> None:
    proxies = make_authority("proxies", lane=Lane.FRONT_PROXY)
    Authority.objects.filter(pk=proxies.pk).update(allowed_names="front-proxy-client")
    users = make_authority("users", lane=Lane.CLIENT)
    for named in (
        {"CN": "front-proxy-client"},
        {"CN": "Front-Proxy-Client"},
        {"CN": "frоnt-prоxy-client"},
        {"CN": "x", "names": [{"OU": "front‑proxy‑client"}]},
    ):
        with pytest.raises(PkiError, match="front proxy"):
            issue_for(users, named, REASON)
    assert not Certificate.objects.exists()


def test_alternative_names_of_what_is_signed_are_looked_at() -> None:
    masters = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters")])
    for name in (
        x509.UniformResourceIdentifier("system:masters"),
        x509.DirectoryName(masters),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x0esystem:masters"),
    ):
        made = self_signed("harmless", x509.SubjectAlternativeName([name]))
        assert [found.identity for found in power_names_of(made)] == ["system:masters"]
    assert power_names_of(self_signed("harmless")) == ()


def self_signed(name: str, *extensions: x509.ExtensionType) -> x509.Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), timezone.now()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())
