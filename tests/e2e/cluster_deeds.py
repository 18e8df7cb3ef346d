"""What a person does on the portal's pages for clusters and the audit, one function each."""

from __future__ import annotations

import csv
import io

from tests.e2e.visitor import Answer, Visitor


def printed_access(visitor: Visitor) -> str:
    """The YAML that the connect page prints for `kubectl apply -f -`."""
    return visitor.open("/clusters/new/").page.element("access").text


def connect_by_token(visitor: Visitor, *, name: str, server: str, ca: str, token: str) -> Answer:
    """Give server, CA and token; return the page that it leads to."""
    at = visitor.open("/clusters/new/?way=token")
    form = at.page.form_with("token")
    return visitor.send(at, form, name=name, server=server, ca_pem=ca, token=token)


def connect_by_kubeconfig(visitor: Visitor, *, name: str, kubeconfig: str) -> Answer:
    """Paste a kubeconfig, keep the context that is proposed; return the page that it leads to."""
    at = visitor.open("/clusters/new/")
    at = visitor.send(at, at.page.form_with("kubeconfig"), kubeconfig=kubeconfig)
    assert at.status == 200, at.page.text
    return visitor.send(at, at.page.form_with("context"), name=name)


def slug_of(connected: Answer) -> str:
    """The slug of the cluster that the page is about."""
    told = f"{connected.status} {connected.path}: {connected.page.text}"
    assert connected.status == 200, told
    parts = connected.path.strip("/").split("/")
    assert parts[0] == "clusters", told
    assert parts[1:] not in ([], ["new"]), told
    return parts[1]


def downloaded_role(visitor: Visitor, cluster: str) -> str:
    """The YAML of the account that may register too, from the test page's download."""
    at = visitor.open(f"/clusters/{cluster}/test/")
    return visitor.open(at.page.link("write=yes")).text


def try_to_register(visitor: Visitor, cluster: str, **fields: str) -> Answer:
    """Fill in the form and press "Try it on the server"; return what it says."""
    at = visitor.open(f"/clusters/{cluster}/apiservices/new/")
    return visitor.send(at, at.page.form_with("service_namespace"), **fields)


def register(visitor: Visitor, tried: Answer) -> Answer:
    """Press the button that applies what was tried."""
    return visitor.send(tried, tried.page.form_with("service_namespace"), button="apply")


def delete(visitor: Visitor, cluster: str, apiservice: str, *, typed: str) -> Answer:
    """Open the page for deleting, type a name, press the button."""
    at = visitor.open(f"/clusters/{cluster}/apiservices/{apiservice}/")
    at = visitor.open(at.page.link("/delete/"))
    return visitor.send(at, at.page.form_with("confirm"), confirm=typed)


def ledger(visitor: Visitor) -> list[dict[str, str]]:
    """The ledger as the audit page's CSV download has it, oldest entry first."""
    at = visitor.open("/audit/")
    return list(csv.DictReader(io.StringIO(visitor.open(at.page.link("export.csv")).text)))
