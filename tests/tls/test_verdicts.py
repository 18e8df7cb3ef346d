"""What is said of a server's certificate, decided as Go and OpenSSL decide it."""

from __future__ import annotations

import datetime as dt
import subprocess

import pytest

from aggportal.tls.findings import Finding, Level
from aggportal.tls.served import place_findings, read_served
from aggportal.tls.targets import is_address
from aggportal.tls.trusting import trust_findings
from aggportal.tls.verdicts import certificate_findings, name_finding
from tests.pki.certificates_made import CLIENT, NOW, SERVER, authority, make, serving
from tests.tls.servers import pem

DAY = dt.timedelta(days=1)


def served(*chain):
    ders = [each.facts.der for each in chain]
    return read_served(ders, now=NOW)


def words(findings) -> str:
    return " | ".join(f"{each.level}: {each.sentence}" for each in findings)


def trust(*chain, known) -> str:
    return words(trust_findings(served(*chain), known=[k.facts for k in known], now=NOW))


def judged(own) -> str:
    return words(certificate_findings((own.facts,), name="a.example", now=NOW))


@pytest.mark.parametrize(
    ("hosts", "name", "holds"),
    [
        (("a.example",), "a.example", True),
        (("A.Example",), "a.example", True),
        (("b.example", "a.example"), "a.example", True),
        (("*.example.com",), "a.example.com", True),
        (("*.example.com",), "a.b.example.com", False),
        (("*.example.com",), "example.com", False),
        (("*.b.example.com",), "a.b.example.com", True),
        (("a.example",), "b.a.example", False),
        (("10.0.0.7",), "10.0.0.7", True),
        (("10.0.0.7",), "10.0.0.8", False),
        (("2001:db8::7",), "2001:db8::7", True),
        (("a.example",), "10.0.0.7", False),
        (("10.0.0.7",), "a.example", False),
        ((), "a.example", False),
    ],
)
def test_openssl_agrees_on_the_name(tmp_path, hosts, name, holds):
    own = make("someone", hosts=hosts)
    assert (name_finding(own.facts, name).level is Level.OK) is holds
    (tmp_path / "own.pem").write_text(pem(own))
    check = "-checkip" if is_address(name) else "-checkhost"
    command = ["openssl", "x509", "-in", str(tmp_path / "own.pem"), "-noout", check, name]
    answer = subprocess.run(command, capture_output=True, check=False, text=True).stdout
    assert ("does match" in answer) is holds


def test_a_star_within_a_label_matches_nothing():
    """RFC 9525 section 6.3; OpenSSL's tool is laxer, Go is not."""
    own = make("someone", hosts=("a*.example.com",))
    assert name_finding(own.facts, "ab.example.com").level is Level.BAD


@pytest.mark.parametrize(
    ("common_name", "hosts", "name", "said"),
    [
        ("a.example", (), "a.example", "stands in the CN alone"),
        ("a.example", (), "b.example", "names no host at all"),
        ("x", ("*.example.com",), "a.b.example.com", "one label only"),
        ("x", ("b.example",), "a.example", "it is for b.example"),
        ("x", ("10.0.0.7",), "a.example", "no DNS name"),
        ("x", ("a.example",), "10.0.0.7", "it is for a.example. Check a name"),
    ],
)
def test_why_a_name_does_not_fit_is_said(common_name, hosts, name, said):
    finding = name_finding(make(common_name, hosts=hosts).facts, name)
    assert finding.level is Level.BAD
    assert said in str(finding.sentence)


def test_many_names_are_not_all_listed():
    hosts = tuple(f"host-{number}.example" for number in range(50))
    told = str(name_finding(make("x", hosts=hosts).facts, "a.example").sentence)
    assert told.endswith("host-4.example, ….")


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (-2, 300, "ok: It is valid for 299 more days."),
        (-2, 10, "warn: It expires in 9 days"),
        (-9, -2, "bad: It expired 2 days ago"),
        (2, 10, "bad: It is not valid before"),
    ],
)
def test_the_dates_are_told_in_days(since, until, said):
    moment = dt.timedelta(minutes=1)
    own = make("x", hosts=("a.example",), since=NOW + since * DAY, until=NOW + until * DAY - moment)
    assert said in judged(own)


def test_an_authority_that_serves_is_doubtful():
    assert "should not serve" in judged(authority("a.example", hosts=("a.example",)))
    assert "should not serve" not in judged(make("x", hosts=("a.example",)))


def test_a_whole_chain_to_our_root_is_good():
    root = authority("ours")
    middle = make("between", by=root, is_ca=True)
    text = trust(serving(middle), middle, known=[root])
    assert text == "ok: It chains to our root “CN=ours”: clients that trust it accept the chain."


def test_a_missing_intermediate_is_named():
    root = authority("ours")
    middle = make("between", by=root, is_ca=True)
    own = serving(middle)
    text = trust(own, known=[root, middle])
    assert text.startswith("bad: Missing from the chain: “CN=between”.")
    assert "does not chain" not in text
    assert "signed by “CN=between”, which is none of ours" in trust(own, known=[root])


def test_what_hinders_a_chain_to_our_root_is_said():
    root = authority("ours")
    narrow = make("between", by=root, is_ca=True, until=NOW - DAY, since=NOW - 9 * DAY)
    text = trust(serving(narrow), narrow, known=[root])
    assert "yet clients that trust it refuse the chain" in text
    assert "bad: “CN=between” expired on" in text
    leaf_as_issuer = make("no-authority", by=root, extended=(SERVER,))
    assert "is no authority" in trust(serving(leaf_as_issuer), leaf_as_issuer, known=[root])


def test_a_certificate_for_clients_must_not_serve():
    root = authority("ours")
    own = make("x", by=root, hosts=("a.example",), extended=(CLIENT,))
    assert "limited to other uses" in trust(own, known=[root])


def test_an_expired_server_is_not_told_twice():
    root = authority("ours")
    own = serving(root, since=NOW - 9 * DAY, until=NOW - DAY)
    assert "expired" not in trust(own, known=[root])


def test_a_strange_root_and_a_certificate_that_signed_itself_are_none_of_ours():
    theirs = authority("theirs")
    assert "“CN=theirs”, which is none of ours" in trust(serving(theirs), theirs, known=[])
    assert "It is self-signed" in trust(make("x", hosts=("a.example",)), known=[])


def test_a_root_of_the_same_name_is_not_taken_for_ours():
    text = trust(serving(authority("ours")), known=[authority("ours")])
    assert "none of ours" in text


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("leaf middle", "ok: The chain is in order: 2 served"),
        ("leaf middle root", "know: Number 3 is a root"),
        ("leaf root middle", "warn: The order is wrong: number 2, 3"),
        ("leaf middle middle", "know: Number 3 is sent twice"),
        ("leaf stranger middle", "warn: Number 2 does not belong to the chain"),
        ("leaf", "ok: One certificate is served."),
    ],
)
def test_faults_of_the_order_are_told_by_number(order, said):
    root, stranger = authority("ours"), authority("stranger")
    middle = make("between", by=root, is_ca=True)
    known = {"leaf": serving(middle), "middle": middle, "root": root, "stranger": stranger}
    text = words(place_findings(served(*(known[name] for name in order.split()))))
    assert said in text
    assert ("in order" in text) == (order in ("leaf middle", "leaf middle root"))


def test_what_cannot_be_read_is_told_and_the_others_stand():
    own = serving(authority("ours"))
    found = read_served([own.facts.der, b"\x30\x03\x02\x01\x00"], now=NOW)
    assert "Number 2 of the chain cannot be read" in words(place_findings(found))
    assert found.own == own.facts
    broken = read_served([b"\x30\x03\x02\x01\x00"], now=NOW)
    assert broken.own is None
    assert words(trust_findings(broken, known=[], now=NOW)) == ""


def test_a_finding_is_a_sentence():
    finding = name_finding(make("x").facts, "a.example")
    assert isinstance(finding, Finding)
    assert str(finding.sentence).endswith(".")
