"""What is live against what we manage: every kind the same, different, unknown, not ours."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import replace

import pytest

from aggportal.doctor.drift import Kind, OurAuthority, OurCertificate, Ours, Stand, compare
from aggportal.doctor.evidence import Absent, Probed, Unread
from aggportal.doctor.secrets import certificate_secrets, kept_of, mounted
from aggportal.doctor.told import say
from aggportal.kube.flags import FrontProxy
from tests.doctor import evidence_made as m
from tests.doctor.evidence_made import NAME, UNREAD, having, healthy, known
from tests.pki.certificates_made import NOW, authority, make, serving

DAY = dt.timedelta(days=1)
HOST = "api.clinic.svc"
FRONT = OurAuthority(label="Front", certificate=m.FRONT_PROXY.facts)
SERVING = OurAuthority(label="Serving", certificate=m.SERVING.facts)
OWN = OurCertificate(key="7", label=HOST, certificate=m.OWN.facts, authority=SERVING)
EARLIER = serving(m.SERVING, service="api", namespace="clinic", since=NOW - 90 * DAY)
OTHER = authority("other-ca")
FLAGS = FrontProxy(
    client_ca_file="ca.crt",
    proxy_client_cert_file="c.crt",
    proxy_client_key_file="c.key",
    allowed_names=("front-proxy-client",),
    directory="/etc/kubernetes/ssl",
)
OURS = Ours(
    front_proxy=(FRONT,),
    allowed_names=("front-proxy-client",),
    serving=(SERVING,),
    serving_chosen=(SERVING,),
    by_host={HOST: OWN},
    by_digest={
        m.OWN.facts.sha256: OWN,
        EARLIER.facts.sha256: replace(OWN, certificate=EARLIER.facts, key="6"),
    },
    flags=FLAGS,
)
IN_FOLDER = [word.replace("=/c", "=/etc/k/c") for word in m.SEVEN]
SAME, DIFFERS = Stand.SAME, Stand.DIFFERS
UNKNOWN, UNMANAGED = Stand.UNKNOWN, Stand.UNMANAGED


def secret(made, *, ca=m.SERVING, **data):
    """A Secret as the API gives it, its private key too."""
    values = {"tls.crt": made.facts.pem, "tls.key": made.key_pem, "ca.crt": ca.facts.pem, **data}
    return {
        "type": "kubernetes.io/tls",
        "metadata": {"name": "tls", "resourceVersion": "5"},
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in values.items()},
    }


def mounting(*volumes, mounts=()):
    container = {"name": "api", "volumeMounts": list(mounts)}
    return {**m.pod(), "spec": {"volumes": list(volumes), "containers": [container]}}


TLS = mounting({"name": "tls", "secret": {"secretName": "tls"}})
PODS = m.standing(pods=known((TLS,)))


def holding(read):
    return m.both(PODS, having(secrets={("clinic", "tls"): read}, probes={}))


def kept(*args, **rest):
    return holding(known(kept_of(secret(*args, **rest))))


def bundle(*made):
    return m.both(
        m.registered(caBundle=m.encoded("".join(each.facts.pem for each in made))),
        having(injected={}),
    )


def cas(*made):
    return m.trusting(requestheader_client_ca_file="".join(each.facts.pem for each in made))


def servers(*commands):
    pods = [m.server(f"n{number}", command) for number, command in enumerate(commands)]
    return having(server_pods=known(tuple(pods)))


def rows(kind, change, ours=OURS):
    found = compare(change(healthy()), ours).rows
    return [row for row in found if row.kind is kind]


def told(row):
    return " ".join(map(str, row.said))


CA, NAMES = "requestheader-client-ca-file", "requestheader-allowed-names"
SECRET, FLAG = "clinic/tls", "--requestheader-allowed-names"
PROBE = "10.0.0.1:8443"
CASES = [
    (CA, SAME, cas(m.FRONT_PROXY), ""),
    (CA, DIFFERS, cas(m.FRONT_PROXY, OTHER), "CN=other-ca, which is not ours"),
    (CA, DIFFERS, cas(OTHER), "Front is missing"),
    (CA, DIFFERS, m.trusting(requestheader_client_ca_file="garbage"), "not PEM"),
    (CA, DIFFERS, having(trust=Absent(path="/x")), "No kube-apiserver publishes it"),
    (CA, UNKNOWN, having(trust=UNREAD), "No."),
    (NAMES, SAME, having(), ""),
    (NAMES, DIFFERS, m.trusting(requestheader_allowed_names='["x"]'), "x is there too"),
    (NAMES, DIFFERS, m.trusting(requestheader_allowed_names='["x"]'), "client is missing"),
    (NAMES, DIFFERS, m.trusting(requestheader_allowed_names="[]"), "can act as anybody"),
    (NAMES, UNKNOWN, having(trust=UNREAD), "No."),
    ("requestheader-group-headers", DIFFERS, m.trusting(requestheader_group_headers='["G"]'), "G"),
    (NAME, SAME, bundle(m.SERVING), ""),
    (NAME, DIFFERS, bundle(OTHER), "Serving is missing"),
    (NAME, DIFFERS, bundle(m.SERVING, OTHER), "CN=other-ca, which is not ours"),
    (NAME, DIFFERS, m.registered(caBundle=None), "It is empty"),
    (NAME, DIFFERS, m.registered(caBundle="AAAA"), "cannot be read"),
    (SECRET, SAME, kept(m.OWN), ""),
    (SECRET, DIFFERS, kept(EARLIER), "another one of ours"),
    (SECRET, DIFFERS, kept(serving(OTHER, namespace="clinic")), "It was not issued here"),
    (SECRET, DIFFERS, kept(m.OWN, ca=OTHER), "ca.crt beside it holds CN=other-ca"),
    (SECRET, DIFFERS, kept(m.OWN, **{"tls.crt": "garbage"}), "tls.crt cannot be read"),
    (SECRET, DIFFERS, holding(Absent(path="/x")), "no such Secret"),
    (SECRET, UNKNOWN, holding(UNREAD), "No."),
    (SECRET, UNKNOWN, m.both(PODS, having(probes={})), "Secrets are not read"),
    (SECRET, UNMANAGED, kept(make("x", by=OTHER, hosts=("db.svc",))), "for something else"),
    (PROBE, SAME, m.serving_with(m.OWN), ""),
    (PROBE, DIFFERS, m.serving_with(serving(OTHER, namespace="clinic")), "not issued here"),
    ("clinic/api", UNKNOWN, having(probes={}), "mount no Secret"),
    ("clinic/api", UNKNOWN, m.both(m.standing(pods=UNREAD), having(probes={})), "No."),
    (FLAG, SAME, servers(m.SEVEN), ""),
    (FLAG, DIFFERS, servers([w for w in m.SEVEN if "allowed" not in w]), "It is missing"),
    (FLAG, DIFFERS, servers([*m.SEVEN, f"{FLAG}=b,c"]), "given 2 times"),
    ("--proxy-client-key-file", SAME, servers([w.replace("=/", "=/opt/k/") for w in m.SEVEN]), ""),
    ("--proxy-client-key-file", DIFFERS, servers(m.SEVEN[:-1]), "It is missing"),
]


@pytest.mark.parametrize(("place", "stand", "change", "words"), CASES)
def test_each_comparison_says_what_it_came_to(place, stand, change, words):
    found = {row.place: row for row in compare(change(healthy()), OURS).rows}
    assert found[place].stand is stand, told(found[place])
    assert words in told(found[place])
    assert (found[place].remedy is not None) is (stand is DIFFERS)


def test_the_missing_permission_is_told():
    for kind, change in (
        (Kind.TRUST, having(trust=UNREAD)),
        (Kind.SERVING, m.both(m.standing(pods=UNREAD), having(probes={}))),
        (Kind.FLAGS, having(server_pods=UNREAD)),
    ):
        assert next(row.rule for row in rows(kind, change)) == m.RULE


def test_a_failed_handshake_is_unknown_and_says_why():
    probed = Probed(address=PROBE, trouble=say("It hangs up."))
    (row,) = rows(Kind.SERVING, having(probes={NAME: probed}))
    assert row.stand is UNKNOWN
    assert "It hangs up." in told(row)


def test_without_anything_of_ours_nothing_is_green_and_nothing_red():
    stands = {row.stand for row in compare(healthy(), Ours()).rows}
    assert stands == {UNMANAGED}


def test_unseen_apiservers_are_unknown_with_a_way_to_look_by_hand():
    (row,) = rows(Kind.FLAGS, having(server_pods=known(())))
    assert row.stand is UNKNOWN
    assert row.remedy.command.startswith("tr ")


def test_masters_that_differ_are_told_apart():
    command = [w.replace("front-proxy-client", "other") for w in m.SEVEN]
    found = [r for r in rows(Kind.FLAGS, servers(m.SEVEN, command)) if r.place == FLAG]
    assert [(str(r.what)[-2:], r.stand) for r in found] == [("n0", SAME), ("n1", DIFFERS)]


def test_an_overlap_of_ours_is_no_drift_until_one_is_retired():
    later = authority("serving-ca-2")
    after = OurAuthority(label="Later", certificate=later.facts)
    both_ours = replace(OURS, serving=(SERVING, after))
    (row,) = rows(Kind.BUNDLE, bundle(m.SERVING, later), both_ours)
    assert row.stand is SAME
    retired = replace(OURS, serving=(SERVING, replace(after, retired=True)))
    (row,) = rows(Kind.BUNDLE, bundle(m.SERVING, later), retired)
    assert "Later, which is retired" in told(row)


def test_a_root_above_our_authority_is_as_good_as_itself():
    root = authority("root")
    above = replace(SERVING, above=(root.facts.spki_sha256,))
    known_too = OurAuthority(label="Root", certificate=root.facts)
    own = replace(OWN, authority=above)
    ours = replace(OURS, by_host={HOST: own}, serving=(above, known_too))
    (row,) = rows(Kind.BUNDLE, bundle(root), ours)
    assert row.stand is SAME


def test_a_chosen_authority_is_wanted_though_nothing_was_issued_for_the_service():
    ours = replace(OURS, by_host={})
    (row,) = rows(Kind.BUNDLE, bundle(OTHER), ours)
    assert row.stand is DIFFERS
    assert "None of our serving authorities" in told(row)
    (row,) = rows(Kind.BUNDLE, bundle(OTHER), replace(ours, serving_chosen=()))
    assert row.stand is UNMANAGED


def test_what_cert_manager_writes_is_not_ours():
    change = m.registered(caBundle=m.encoded(OTHER.facts.pem))
    (row,) = rows(Kind.BUNDLE, change, replace(OURS, by_host={}))
    assert row.stand is UNMANAGED


def test_a_revoked_one_of_ours_differs_though_no_newer_is_there():
    ended = replace(OWN, ended=say("It was revoked."))
    ours = replace(OURS, by_host={}, by_digest={m.OWN.facts.sha256: ended})
    (row,) = rows(Kind.SERVING, kept(m.OWN), ours)
    assert (row.stand, told(row)) == (DIFFERS, "It was revoked.")
    assert "Issue a serving certificate" in str(row.remedy.sentence)


def test_a_private_key_is_dropped_at_the_reading():
    for data in ({}, {"tls.crt": m.OWN.facts.pem + m.OWN.key_pem}, {"tls.crt": m.OWN.key_pem}):
        found = kept_of(secret(m.OWN, **data))
        lines = m.OWN.key_pem.splitlines()[1:-1]
        assert not any(line in repr(found) + repr(found.chain) for line in lines)
    assert found.odd is not None
    assert kept_of(secret(m.OWN)).version == "5"


def test_a_secret_without_a_certificate_is_passed_over():
    other = {"type": "Opaque", "data": {"password": "c2VjcmV0"}}
    evidence = holding(known(kept_of(other)))(healthy())
    assert "c2VjcmV0" not in repr(evidence.secrets)
    assert certificate_secrets(evidence.services, evidence.secrets) == ()
    assert certificate_secrets(evidence.services, {}) == (("clinic", "tls"),)
    (row,) = [row for row in compare(evidence, OURS).rows if row.kind is Kind.SERVING]
    assert row.stand is UNKNOWN


def test_tokens_of_accounts_and_odd_names_are_not_among_the_mounted():
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    pod = mounting(
        {"name": "token", "secret": {"secretName": "default-token"}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
        {"name": "odd", "secret": {"secretName": "../../x"}},
        {"name": "tls", "secret": {"secretName": "tls"}},
        mounts=[{"name": "token", "mountPath": token}],
    )
    assert mounted([pod, {}, {"spec": {"volumes": 5}}]) == ("projected", "tls")


def test_a_secret_that_may_not_be_read_keeps_its_reason():
    unread = Unread(path="/x", why=say("May not."), rule=m.RULE)
    (row,) = rows(Kind.SERVING, holding(unread))
    assert (row.stand, row.rule, told(row)) == (UNKNOWN, m.RULE, "May not.")
