"""OpenSSL, sh and tar agree with what we hand out."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from aggportal.pki.exports import archive, certificate_files
from tests.pki.certificates_made import CLIENT, NOW, authority, make, proxy_client, serving

pytestmark = pytest.mark.interop
CA = authority()
LEAF = proxy_client(CA)
FILES = (
    *certificate_files("aggregator-ca", certificate=CA.facts),
    *certificate_files("aggregator", certificate=LEAF.facts, key_pem=LEAF.key_pem, csr_pem="r\n"),
)


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The archive as a person unpacks it."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "xzpf", "-", "-C", folder], input=archive(FILES, now=NOW), check=True)
    return folder


def install(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "install.sh"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def verify(folder: Path, purpose: str, leaf: str, *, ca: str = CA.facts.pem) -> str:
    (folder / "ca.pem").write_text(ca)
    (folder / "leaf.pem").write_text(leaf)
    at = str(int(NOW.timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-attime", at, "-purpose", purpose]
    done = subprocess.run(
        [*command, "-CAfile", folder / "ca.pem", folder / "leaf.pem"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "OK" if done.returncode == 0 else done.stderr


def test_openssl_takes_a_client_for_a_client_and_a_server_for_a_server(tmp_path):
    server = serving(CA)
    assert verify(tmp_path, "sslclient", LEAF.facts.pem) == "OK"
    assert verify(tmp_path, "sslserver", server.facts.pem) == "OK"
    assert "unsuitable certificate purpose" in verify(tmp_path, "sslserver", LEAF.facts.pem)
    assert "unsuitable certificate purpose" in verify(tmp_path, "sslclient", server.facts.pem)


def test_with_its_authority_s_subject_openssl_needs_the_authority_key_identifier(tmp_path):
    with_identifier = make("aggregator-ca", by=CA, extended=(CLIENT,))
    as_cfssl_makes_it = make("aggregator-ca", by=CA, extended=(CLIENT,), aki=False)
    assert verify(tmp_path, "sslclient", with_identifier.facts.pem) == "OK"
    assert "error 18" in verify(tmp_path, "sslclient", as_cfssl_makes_it.facts.pem)
    assert not as_cfssl_makes_it.facts.self_signed


def test_tar_unpacks_the_modes(unpacked):
    assert {p.name: oct(mode(p)) for p in unpacked.iterdir()} == {
        "aggregator-ca.pem": "0o644",
        "aggregator.pem": "0o644",
        "aggregator-key.pem": "0o600",
        "aggregator.csr": "0o644",
        "install.sh": "0o755",
        "SHA256SUMS": "0o644",
    }


def test_python_s_strict_filter_unpacks_it_too(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(archive(FILES, now=NOW))) as tar:
        tar.extractall(tmp_path, filter="data")
    assert (tmp_path / "aggregator.pem").read_text() == LEAF.facts.pem


def test_the_script_parses_in_a_plain_shell_and_its_sums_hold(unpacked):
    subprocess.run(["sh", "-n", unpacked / "install.sh"], check=True)
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=unpacked, check=True)


def test_the_script_installs_with_modes_and_says_so(unpacked, tmp_path):
    target = tmp_path / "etc" / "kube rnetes" / "ssl"
    done = install(unpacked, str(target))
    assert (done.returncode, done.stderr) == (0, "")
    assert {p.name: oct(mode(p)) for p in target.iterdir()} == {
        "aggregator-ca.pem": "0o644",
        "aggregator.pem": "0o644",
        "aggregator-key.pem": "0o600",
        "aggregator.csr": "0o644",
    }
    assert (target / "aggregator-key.pem").read_text() == LEAF.key_pem
    assert mode(target) == 0o755
    assert f"installed   {target}/aggregator-key.pem (0600)" in done.stdout


def test_the_directory_may_come_from_the_environment(unpacked, tmp_path):
    assert install(unpacked, DEST=str(tmp_path / "ssl")).returncode == 0
    assert (tmp_path / "ssl" / "aggregator.pem").exists()


def test_a_second_run_changes_nothing_but_mends_modes(unpacked, tmp_path):
    target = tmp_path / "ssl"
    install(unpacked, str(target))
    before = {p.name: p.stat().st_mtime_ns for p in target.iterdir()}
    (target / "aggregator-key.pem").chmod(0o666)
    done = install(unpacked, str(target))
    assert done.stdout.count("unchanged") == 4
    assert "installed" not in done.stdout
    assert {p.name: p.stat().st_mtime_ns for p in target.iterdir()} == before
    assert mode(target / "aggregator-key.pem") == 0o600


def test_what_differs_is_kept_under_a_dated_name(unpacked, tmp_path):
    target = tmp_path / "ssl"
    target.mkdir()
    old = target / "aggregator-key.pem"
    old.write_text("old key")
    old.chmod(0o600)
    assert install(unpacked, str(target)).returncode == 0
    (kept,) = target.glob("aggregator-key.pem.2*Z.old")
    assert (kept.read_text(), mode(kept)) == ("old key", 0o600)
    assert old.read_text() == LEAF.key_pem


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_damaged_archive_changes_nothing(unpacked, tmp_path, harm):
    victim = unpacked / "aggregator.pem"
    victim.write_text("x") if harm == "change" else victim.unlink()
    done = install(unpacked, str(tmp_path / "ssl"))
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert not (tmp_path / "ssl").exists()


def test_sums_that_name_a_way_out_are_refused(unpacked, tmp_path):
    (tmp_path / "evil").write_text("x")
    (unpacked / "SHA256SUMS").write_text(
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  ../evil\n"
    )
    done = install(unpacked, str(tmp_path / "ssl"))
    assert done.returncode == 1
    assert "odd file: ../evil" in done.stderr


def test_a_directory_in_the_place_of_a_file_stops_it(unpacked, tmp_path):
    (tmp_path / "ssl" / "aggregator.pem").mkdir(parents=True)
    done = install(unpacked, str(tmp_path / "ssl"))
    assert done.returncode == 1
    assert "is a directory" in done.stderr


def test_it_runs_from_anywhere_and_into_a_relative_directory(unpacked, tmp_path):
    subprocess.run(["sh", unpacked / "install.sh", "here"], cwd=tmp_path, check=True)
    assert (tmp_path / "here" / "aggregator.pem").exists()


def test_an_owner_may_be_named(unpacked, tmp_path):
    me = f"{os.geteuid()}:{os.getegid()}"
    assert install(unpacked, str(tmp_path / "ssl"), OWNER=me).returncode == 0
    refused = install(unpacked, str(tmp_path / "other"), OWNER="no-such-user-here")
    assert refused.returncode != 0
    assert list((tmp_path / "other").iterdir()) == []
