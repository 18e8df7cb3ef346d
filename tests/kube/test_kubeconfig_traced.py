"""Reading a kubeconfig as the kernel sees it: nothing is run, opened or connected to."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.test_kubeconfig import BOMBS, REFUSED_CLUSTERS, REFUSED_USERS
from tests.kube.tls import TestAuthority

BEGIN, END = "reading begins", "reading ends"
# What is imported at first use is there before the marker, so the first text is read twice.
READER = f"""
import json, os, sys
from aggportal.kube.kubeconfig import connection_for, parse_kubeconfig
from aggportal.words import RefusedError

def read(text):
    try:
        found = parse_kubeconfig(text)
    except RefusedError as refused:
        return str(refused)
    for context in found.contexts:
        try:
            connection_for(found, context.name)
        except RefusedError as refused:
            str(refused)

texts = json.load(sys.stdin)
for text in texts:
    read(text)
os.write(2, b"{BEGIN}\\n")
for text in texts:
    read(text)
os.write(2, b"{END}\\n")
"""
CALLS = "execve,execveat,fork,vfork,clone,clone3,open,openat,openat2,creat,connect,socket,unlink"


def document(**changed: Any) -> str:
    ca = base64.b64encode(TestAuthority().pem.encode()).decode()
    cluster = {"server": "https://api.example.com:6443", "certificate-authority-data": ca}
    user = changed.get("user", {"token": "abc"})
    made = {
        "clusters": [{"name": "c", "cluster": {**cluster, **changed.get("cluster", {})}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
    }
    return yaml.safe_dump(made)


def corpus() -> list[str]:
    texts = [document(), *(document(user=user) for user in REFUSED_USERS)]
    texts += [document(cluster=fields) for fields in REFUSED_CLUSTERS]
    return texts + [text for text in BOMBS.values() if text.isprintable() or "\n" in text]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_kubeconfig_exec_never_runs(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), "-e", f"trace={CALLS},write"]
    subprocess.run(
        [*command, sys.executable, "-c", READER],
        input=json.dumps(corpus()),
        text=True,
        capture_output=True,
        check=True,
        timeout=300,
    )
    seen = trace.read_text().splitlines()
    begin = next(number for number, line in enumerate(seen) if BEGIN in line)
    end = next(number for number, line in enumerate(seen) if END in line)
    assert any("execve(" in line for line in seen[:begin]), "strace saw the start itself"
    assert seen[begin + 1 : end] == []
