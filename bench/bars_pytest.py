"""The bars that are tests of pytest: their node ids, run together or, where the suites run them
anyway, only counted.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bars import Bar, State, judged, not_run

ROOT = Path(__file__).resolve().parent.parent
FAILURES = {"failure", "error"}

TITLES = {
    "B1": "canaries in dump, WAL, backup, logs, pages",
    "B2": "role × URL × method from the URLconf",
    "B3": "two ciphertexts swapped: nothing is signed",
    "B4": "rotate_kek under load, killed",
    "B5": "hostile signing requests",
    "B6": "cryptography-vectors through every upload",
    "B7": "seeded mutations of CSR, PEM, YAML",
    "B8": "reserved identities in every spelling",
    "B9": "kubeconfigs under strace: nothing runs",
    "B10": "SSRF spellings and rebinding",
    "B11": "bombs and paths in archives",
    "B12": "pkilint over certificates and lists",
    "B13": "openssl and cryptography agree",
    "B14": "chains and name constraints against OpenSSL",
    "B15": "serials: unique, positive, balanced bits",
    "B16": "8 processes issue at once",
    "B17": "issue, revoke and publish at once",
    "B18": "kill -9 during issuance",
    "B19": "a sync before each acknowledgement",
    "B20": "no ledger, no certificate",
    "B21": "tampering found against an anchor",
    "B22": "a million entries through the offline verifier",
    "B23": "disk full; database stopped and started",
    "B24": "backup, wipe, restore, verify",
    "B25": "an API server that hangs, drips, lies",
    "B26": "revoked, and on the list that is served",
    "B27": "hostile text in the real browser",
    "B28": "headers and check --deploy",
    "B29": "schemathesis on the API, pip-audit",
    "B30": "masters and front-proxy on a real kube-apiserver",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tests:
    """Node ids of a bar. `quick` ones run in the short form too; `long_env` holds for long runs."""

    nodes: Sequence[str]
    quick: bool = False
    long_env: Mapping[str, str] | None = None


BARS = {
    "B1": Tests(nodes=["tests/certs/test_keys_at_rest.py"]),
    "B2": Tests(nodes=["tests/test_role_matrix.py"]),
    "B3": Tests(nodes=["tests/certs/test_keys_at_rest.py"]),
    "B5": Tests(nodes=["tests/certs/test_evil_requests.py", "tests/pki/test_csrreading.py"]),
    "B6": Tests(nodes=["tests/corpus"], long_env={"AGGPORTAL_CORPUS": "all"}),
    "B7": Tests(
        nodes=["tests/corpus/test_mutations.py"],
        long_env={"AGGPORTAL_MUTATIONS": "20000"},
    ),
    "B8": Tests(nodes=["tests/certs/test_power_names.py"]),
    "B9": Tests(nodes=["tests/kube/test_kubeconfig_traced.py"]),
    "B10": Tests(nodes=["tests/test_ssrf_matrix.py", "tests/kube/test_egress.py"]),
    "B11": Tests(nodes=["tests/pki/test_archives.py", "tests/kube/test_kubeconfig.py"]),
    "B12": Tests(nodes=["tests/pki/test_lint_properties.py"]),
    "B13": Tests(
        nodes=["tests/interop/test_openssl.py", "tests/interop/test_revocation_clients.py"]
    ),
    "B14": Tests(nodes=["tests/interop/test_paths.py"]),
    "B17": Tests(nodes=["tests/certs/test_revocation_races.py", "tests/certs/test_life_races.py"]),
    "B21": Tests(nodes=["tests/ledger/test_tampering.py"], quick=True),
    "B24": Tests(nodes=["tests/backups"]),
    "B25": Tests(nodes=["tests/e2e/test_watch_robustness.py"]),
    "B27": Tests(nodes=["tests/browser/test_hostile_text.py"]),
    "B28": Tests(nodes=["tests/web/test_browser_rules.py", "tests/web/test_deploy_checks.py"]),
    "B30": Tests(nodes=["tests/e2e/test_power_names.py"]),
}


def pytest_bars(only: set[str], *, long: bool) -> Iterator[Bar]:
    """Yield each bar of pytest's that was asked for: run, or counted where the suites run it."""
    for id, tests in BARS.items():
        if only and id not in only:
            continue
        nodes = [node for node in tests.nodes if (ROOT / node.partition("::")[0]).exists()]
        if not nodes:
            yield not_run(id, TITLES[id], f"there is no {tests.nodes[0]}")
        elif long or tests.quick or only:
            yield _run(id, nodes, tests.long_env if long else None)
        else:
            yield _counted(id, nodes)


def _run(id: str, nodes: Sequence[str], environment: Mapping[str, str] | None) -> Bar:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        _pytest([*nodes, f"--junitxml={report}"], environment)
        if not report.exists():
            return judged(id, TITLES[id], count=0, wrong=["pytest did not start"])
        suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 -- pytest's own
        if suite is None:
            return judged(id, TITLES[id], count=0, wrong=["pytest wrote no report"])
        bad = [case.get("name", "?") for case in suite if len(case) and case[0].tag in FAILURES]
    return judged(id, TITLES[id], count=int(suite.get("tests", "0")), wrong=bad, told="tests")


def _counted(id: str, nodes: Sequence[str]) -> Bar:
    """Count without collecting them, which would cost seconds for each folder."""
    count = 0
    for node in nodes:
        path = ROOT / node
        files = path.rglob("test_*.py") if path.is_dir() else [path]
        count += sum(len(re.findall(r"^def test_", file.read_text(), re.M)) for file in files)
    told = f"test functions of {', '.join(nodes)}, run by make test-all"
    return Bar(id=id, what=TITLES[id], count=count, state=State.SUITE, detail=told)


def _pytest(arguments: Sequence[str], environment: Mapping[str, str] | None) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
