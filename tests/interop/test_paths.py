"""OpenSSL and cryptography's verifier judge a family of chains as we do.

Where they do not, the table says which of the two and why; anything else that differs fails.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from aggportal.pki.paths import find_paths
from tests.pki.certificates_made import NOW
from tests.pki.paths_made import Chain, family

pytestmark = pytest.mark.interop
FAMILY = family()
# What the other judges decide otherwise than RFC 5280 and we, by what the chain's name holds.
OPENSSL_DIFFERS = {
    "without ('DNS:api.wardle.svc',): ('DNS:*": (
        "A wildcard that covers an excluded name passes: OpenSSL compares texts. We refuse, as "
        "newer Go and cryptography do."
    ),
    "leaf ('any',)": "anyExtendedKeyUsage is not the usage: a leaf must name the usage itself.",
    "ca ('any',)": "anyExtendedKeyUsage of an authority does not hold a usage either.",
    "CN that looks like a host": (
        "Without DNS names the CN is held against DNS constraints (NAME_CONSTRAINTS_check_CN); "
        "RFC 5280 does not ask for it, and Kubernetes never takes a CN for a host."
    ),
}
LIBRARY_DIFFERS = {
    "URI:": "URI constraints are not implemented: a chain that has them is refused.",
    "DN:": "Directory names in constraints are not implemented: refused too.",
    "email:example.com',) without : CN=leaf,1.2.840.113549.1.9.1=a@other.com": (
        "E-mail addresses in the subject are passed over; RFC 5280 4.2.1.10 holds them to it."
    ),
    "leaf ('any',)": "The CA/Browser Forum's rules: a leaf must name its usage.",
    "leaf may only commit": "The leaf's key usage is not looked at.",
    "client without signature": "The leaf's key usage is not looked at.",
    "CN that looks like a host": "The CA/Browser Forum's rules: a leaf needs a SAN.",
}
PURPOSES = {"server auth": "sslserver", "client auth": "sslclient"}


def ours(chain: Chain) -> bool:
    paths = find_paths(
        chain.leaf.facts,
        intermediates=[link.facts for link in chain.between],
        roots=[link.facts for link in chain.roots],
        usage=chain.usage,
        now=NOW,
    )
    return bool(paths) and paths[0].is_good


def openssl(chain: Chain, folder: Path) -> bool:
    (folder / "roots.pem").write_text("".join(link.facts.pem for link in chain.roots))
    (folder / "between.pem").write_text("".join(link.facts.pem for link in chain.between))
    (folder / "leaf.pem").write_text(chain.leaf.facts.pem)
    command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW.timestamp()))]
    command += ["-purpose", PURPOSES[chain.usage], "-CAfile", str(folder / "roots.pem")]
    command += ["-untrusted", str(folder / "between.pem")] if chain.between else []
    done = subprocess.run([*command, folder / "leaf.pem"], capture_output=True, check=False)
    return done.returncode == 0


def library(chain: Chain) -> bool:
    store = Store([link.certificate for link in chain.roots])
    policy = PolicyBuilder().store(store).time(NOW).max_chain_depth(8)
    between = [link.certificate for link in chain.between]
    try:
        if chain.usage == "client auth":
            policy.build_client_verifier().verify(chain.leaf.certificate, between)
        else:
            policy.build_server_verifier(_subject(chain)).verify(chain.leaf.certificate, between)
    except VerificationError:
        return False
    return True


def _subject(chain: Chain) -> x509.DNSName | x509.IPAddress:
    extensions = chain.leaf.certificate.extensions
    try:
        name = next(iter(extensions.get_extension_for_class(x509.SubjectAlternativeName).value))
    except x509.ExtensionNotFound:
        return x509.DNSName("outside.example.com")
    if isinstance(name, x509.DNSName):
        return x509.DNSName(name.value.replace("*", "any"))
    assert isinstance(name, x509.IPAddress)
    return name


def differs(chain: Chain, table: dict[str, str]) -> bool:
    return any(mark in chain.name for mark in table)


def test_the_family_is_large_and_has_both_kinds():
    assert len(FAMILY) >= 180
    assert len({chain.name for chain in FAMILY}) == len(FAMILY)
    assert min(sum(c.good for c in FAMILY), sum(not c.good for c in FAMILY)) >= 60


@pytest.mark.parametrize("chain", FAMILY, ids=lambda chain: chain.name)
def test_we_judge_as_rfc_5280(chain):
    assert ours(chain) is chain.good


@pytest.mark.parametrize("chain", FAMILY, ids=lambda chain: chain.name)
def test_openssl_judges_as_we_do_save_where_it_is_told(chain, tmp_path):
    if openssl(chain, tmp_path) is not chain.good:
        assert differs(chain, OPENSSL_DIFFERS)


@pytest.mark.parametrize("chain", FAMILY, ids=lambda chain: chain.name)
def test_cryptography_judges_as_we_do_save_where_it_is_told(chain):
    if library(chain) is not chain.good:
        assert differs(chain, LIBRARY_DIFFERS)


@pytest.mark.parametrize("mark", OPENSSL_DIFFERS)
def test_openssl_still_differs_where_it_is_told(mark, tmp_path):
    """An entry that no chain needs any more is to be taken out."""
    marked = [chain for chain in FAMILY if mark in chain.name]
    assert any(openssl(chain, tmp_path) is not chain.good for chain in marked)


@pytest.mark.parametrize("mark", LIBRARY_DIFFERS)
def test_cryptography_still_differs_where_it_is_told(mark):
    marked = [chain for chain in FAMILY if mark in chain.name]
    assert any(library(chain) is not chain.good for chain in marked)
