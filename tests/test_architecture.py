from __future__ import annotations

import subprocess
import sys

import pytest

from tests import architecture
from tests.architecture import MAY_IMPORT, ROOT, RULES, Module, modules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule):
    broken = {module.name: found for module in modules() if (found := rule(module))}
    assert broken == {}


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        ("upward_imports", "web.views", "from aggportal.certs import models"),
        ("upward_imports", "pki.keys", "from aggportal.kube.errors import KubeError"),
        ("upward_imports", "kube.flags", "import aggportal.pki.keys"),
        ("upward_imports", "certs.views", "def view():\n    from aggportal.clusters import models"),
        ("upward_imports", "novel.views", "import os"),
        ("framework_in_a_core", "pki.keys", "from django.utils import timezone"),
        ("framework_in_a_core", "kube.flags", "import django"),
        ("kubernetes_outside_its_door", "kube.watching", "def f():\n    import kubernetes"),
        ("kubernetes_outside_its_door", "kube.client", "from kubernetes import client"),
        ("against_the_grain", "certs.models.keys", "from aggportal.certs.services import issuing"),
        ("against_the_grain", "certs.models", "from aggportal.certs import forms"),
        ("against_the_grain", "certs.services.a", "from aggportal.certs.forms import F"),
        ("against_the_grain", "certs.forms", "from aggportal.certs import views"),
        ("against_the_grain", "certs.views", "from aggportal.certs import urls"),
        ("against_the_grain", "certs.roles", "from aggportal.certs import views"),
        ("trusted_markup", "web.a", "from django.utils.safestring import mark_safe"),
        ("trusted_markup", "web.a", "x = safestring.mark_safe('')"),
        ("catches_everything", "web.a", "try:\n    f()\nexcept Exception:\n    pass"),
        ("catches_everything", "web.a", "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
        ("catches_everything", "web.a", "try:\n    f()\nexcept:\n    pass"),
        ("reads_the_clock", "pki.a", "then = dt.datetime.now(dt.UTC)"),
        ("network_outside_its_doors", "web.a", "import socket"),
        ("network_outside_its_doors", "certs.services.a", "def f():\n    import requests"),
        ("network_outside_its_doors", "pki.a", "from urllib.request import urlopen"),
        ("network_outside_its_doors", "notices.posting", "socket.create_connection((a, 1))"),
        (
            "network_outside_its_doors",
            "kube.wire",
            "from socket import create_connection\ncreate_connection((a, 1))",
        ),
        ("nameless", "web.utils", ""),
        ("unfinished", "web.a", "# TO" + "DO: later"),
        ("unfinished", "web.a", "raise NotImplemented" + "Error"),
    ],
)
def test_the_rule_sees_a_breach(rule, name, source):
    assert getattr(architecture, rule)(Module(name=f"aggportal.{name}", source=source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "certs.views",
            "from aggportal.certs import forms, services\nfrom aggportal.pki import keys",
        ),
        ("certs.urls", "from aggportal.certs import views"),
        ("kube.client", "def f():\n    from kubernetes import client"),
        ("web.a", "try:\n    f()\nexcept OSError:\n    pass"),
        ("web.a", "try:\n    f()\nexcept BaseException:\n    close()\n    raise"),
        ("certs.views", "now = timezone.now()"),
    ],
)
def test_an_orderly_module_breaks_no_rule(name, source):
    module = Module(name=f"aggportal.{name}", source=source)
    assert [rule.__name__ for rule in RULES if rule(module)] == []


def test_every_place_in_the_layers_exists():
    assert set(MAY_IMPORT) <= {module.package for module in modules()}


def test_every_module_near_the_network_exists():
    assert {f"aggportal.{name}" for name in architecture.NEAR_THE_NETWORK} <= {
        module.name for module in modules()
    }


def test_the_layers_have_no_way_back_up():
    down = {name: allowed - {"ledger", "accounts", "vault"} for name, allowed in MAY_IMPORT.items()}
    assert not [(name, low) for name in down for low in down[name] if name in down[low]]


def test_the_web_process_starts_without_the_kubernetes_package():
    program = (
        "import sys, aggportal.wsgi, aggportal.urls\n"
        "print([name for name in ('kubernetes', 'pkilint', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
