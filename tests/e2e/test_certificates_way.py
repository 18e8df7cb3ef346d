"""From three JSON files to the files on a master and kube-apiserver's flags, over real HTTP."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import stat
import subprocess
import sys
import tarfile

import pytest
import yaml
from cryptography import x509

from tests.e2e import deeds
from tests.e2e.variants import VARIANTS

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.name)
def issued(request, administrator, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.name)
    return request.param.prepare(administrator, folder)


def members(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = [(member, tar.extractfile(member)) for member in tar]
        return {member.name: (member.mode, body.read()) for member, body in found if body}


def private_keys(bodies):
    return [body for body in bodies if b"PRIVATE KEY" in body]


def test_the_archive_has_the_recipes_files_and_the_keys_mode_is_0600(issued):
    modes = {name: mode for name, (mode, _body) in members(issued.archive).items()}
    assert modes == {
        f"{issued.ca_base}.pem": 0o644,
        f"{issued.ca_base}.csr": 0o644,
        f"{issued.base}.pem": 0o644,
        f"{issued.base}-key.pem": 0o600,
        f"{issued.base}.csr": 0o644,
        "install.sh": 0o755,
        "SHA256SUMS": 0o644,
    }


def test_the_sums_are_those_of_the_files(issued):
    files = {name: body for name, (_mode, body) in members(issued.archive).items()}
    sums = files.pop("SHA256SUMS").decode()
    assert sorted(sums.splitlines()) == sorted(
        f"{hashlib.sha256(body).hexdigest()}  {name}" for name, body in files.items()
    )
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=issued.unpacked, check=True)


def test_the_authoritys_key_is_not_among_the_files(issued):
    bodies = [body for _mode, body in members(issued.archive).values()]
    certificate = x509.load_pem_x509_certificate(issued.ca_pem.encode())
    assert len(private_keys(bodies)) == 1
    assert not (issued.installed / f"{issued.ca_base}-key.pem").exists()
    pair = deeds.pair_in(issued.installed, issued.base)
    assert x509.load_pem_x509_certificate(pair.certificate_pem.encode()) != certificate
    assert "is not among them" in issued.certificate.page.text


def test_install_sh_puts_the_files_there_and_does_nothing_the_second_time(issued):
    installed = {path.name: path for path in issued.installed.iterdir()}
    assert stat.S_IMODE(installed[f"{issued.base}-key.pem"].stat().st_mode) == 0o600
    assert set(installed) == set(members(issued.archive)) - {"install.sh", "SHA256SUMS"}
    assert "installed" in issued.said
    again = deeds.install(issued.unpacked, issued.installed)
    assert "installed " not in again
    assert again.count("unchanged") == len(installed)


def test_openssl_follows_the_chain_except_where_cfssl_leaves_no_key_identifier(issued):
    ca, leaf = (str(issued.installed / f"{base}.pem") for base in (issued.ca_base, issued.base))
    command = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", ca, leaf]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Equal subjects and no authorityKeyIdentifier: openssl takes the leaf for self-signed (18).
    assert ("error 18 " in done.stderr, done.returncode == 0) == (
        issued.as_cfssl,
        not issued.as_cfssl,
    )


def test_a_leaf_ends_with_its_authority_unless_one_asks_for_cfssls_way(issued):
    ca = x509.load_pem_x509_certificate(issued.ca_pem.encode())
    pem = deeds.pair_in(issued.installed, issued.base).certificate_pem
    leaf = x509.load_pem_x509_certificate(pem.encode())
    if issued.as_cfssl:
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == dt.timedelta(hours=87600)
    else:
        assert leaf.not_valid_after_utc <= ca.not_valid_after_utc


@pytest.fixture(scope="module")
def flags_page(issued, administrator):
    return deeds.choose_flags(administrator, issued.flag_choices(kube_proxy=True))


def test_sh_reads_the_plain_flags_as_they_are_meant(issued, administrator, flags_page):
    arguments = deeds.arguments_by_shell(deeds.take_flags(administrator, flags_page))
    where = issued.installed
    assert arguments == [
        f"--requestheader-client-ca-file={where}/{issued.ca_base}.pem",
        f"--requestheader-allowed-names={issued.common_name}",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={where}/{issued.base}.pem",
        f"--proxy-client-key-file={where}/{issued.base}-key.pem",
    ]


def test_sh_reads_the_environment_file_of_systemd_as_the_same_flags(
    issued, administrator, flags_page
):
    page = administrator.open(flags_page.page.link("way=systemd"))
    sourced = shell_words(deeds.take_flags(administrator, page, "systemd-env"))
    plain = deeds.arguments_by_shell(deeds.take_flags(administrator, flags_page))
    assert sourced == plain


def shell_words(environment_file):
    """What systemd hands over for $KUBE_AGG_ARGS: the variable, split at its spaces."""
    printer = "import json, sys; json.dump(sys.argv[1:], sys.stdout)"
    script = f'{environment_file}\nexec "$PYTHON" -c "$PRINTER" $KUBE_AGG_ARGS'
    return deeds.shell_json(script, PYTHON=sys.executable, PRINTER=printer)


def test_without_kube_proxy_the_flags_ask_for_aggregator_routing(issued, administrator):
    page = deeds.choose_flags(administrator, issued.flag_choices(kube_proxy=False))
    arguments = deeds.arguments_by_shell(deeds.take_flags(administrator, page))
    assert arguments[-1] == "--enable-aggregator-routing=true"


@pytest.mark.parametrize("way", ["static-pod", "kubeadm-v1beta3", "kubeadm-v1beta4", "k3s", "rke2"])
def test_each_yaml_names_the_same_values(issued, administrator, flags_page, way):
    page = administrator.open(flags_page.page.link(f"way={way}"))
    rendered = deeds.take_flags(administrator, page, way)
    assert list(yaml.safe_load_all(rendered))
    for argument in deeds.arguments_by_shell(deeds.take_flags(administrator, flags_page)):
        name, _, value = argument.removeprefix("--").partition("=")
        assert name in rendered
        assert value in rendered
