"""See why, at once: an APIService that fails, though the cluster calls it available.

Its backend is real and shows a certificate of another authority than caBundle holds; a namespace
cannot finish deleting and an autoscaler is blind because of it. The tests are the steps of one
walk and go in this order.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.browser.furnishing import connect_cluster
from tests.e2e.backend import Backend
from tests.e2e.clinic import apiservice
from tests.kube.tls import TestAuthority

GROUP = "custom.metrics.k8s.io"
NAME = f"v1beta1.{GROUP}"
NAMESPACES = "/api/v1/namespaces"
SCALERS = "/apis/autoscaling/v2beta2/namespaces/clinic/horizontalpodautoscalers"
FOUND_MS = 60_000
SIGNED = (
    "The serving certificate's issuer is not in caBundle: issued by CN=serving-2027, caBundle "
    "holds CN=serving-2026."
)
BODY = "x509: certificate signed by unknown authority"


def say_status(client, path, status):
    document = dict(client.get_json(path))
    client.replace(f"{path}/status", {**document, "status": {**document["status"], **status}})


def make_sufferers(client):
    """What a controller-manager would write of a namespace and of an autoscaler."""
    failed = f"Discovery failed for some groups, 1 failing: {GROUP}/v1beta1"
    stuck = {"type": "NamespaceDeletionDiscoveryFailure", "status": "True", "message": failed}
    say_status(client, f"{NAMESPACES}/clinic", {"conditions": [stuck]})
    blind = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetPodsMetric",
        "message": f"unable to get metric queue: no metrics returned from {GROUP}",
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {
        "apiVersion": "autoscaling/v2beta2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 3},
    }
    client.create(SCALERS, scaler)
    status = {"currentReplicas": 1, "desiredReplicas": 1, "conditions": [blind]}
    say_status(client, f"{SCALERS}/web", status)


@pytest.fixture(scope="module")
def failing(control_plane):
    """The APIService and its backend; who suffers from it."""
    served, held = (TestAuthority(common_name=f"serving-{year}") for year in (2027, 2026))
    backend = Backend(served.serving("api.clinic.svc"))
    client = control_plane.client()
    control_plane.expose_on_loopback("clinic", "api")
    make_sufferers(client)
    client.create(APISERVICES_PATH, apiservice(NAME, held.pem, backend.port))
    yield NAME
    client.delete(f"{APISERVICES_PATH}/{NAME}")
    client.delete(f"{SCALERS}/web")
    say_status(client, f"{NAMESPACES}/clinic", {"conditions": []})
    backend.stop()


@pytest.fixture(scope="module")
def cluster(visitor, control_plane, failing):
    """The connected cluster, whose backends the doctor may shake hands with."""
    path = connect_cluster(visitor, control_plane, name="why-lab")
    at = visitor.open(f"{path}settings/")
    visitor.send(at, at.page.form_with("handshakes"), handshakes="direct")
    return path


def test_the_row_says_why_and_who_suffers(admin, cluster, failing):
    admin.go(f"{cluster}?q={failing}")
    table = admin.page.locator("#apiservice-table")
    for words in (SIGNED, BODY, "cannot finish deleting", "gives no metrics"):
        expect(table).to_contain_text(words, timeout=FOUND_MS)
    expect(table).to_contain_text("Available")
    admin.look_at_all_sides("why-row")


def test_its_page_has_the_condition_the_body_the_cause_and_who_suffers(admin, cluster, failing):
    admin.page.get_by_role("link", name=failing, exact=True).click()
    admin.heading(failing)
    main = admin.page.locator("main")
    for words in (
        SIGNED,
        "Passed",
        "Who suffers",
        f"clinic: Discovery failed for some groups, 1 failing: {GROUP}/v1beta1",
        f"clinic/web: unable to get metric queue: no metrics returned from {GROUP}",
        "HTTP 503",
    ):
        expect(main).to_contain_text(words)
    expect(main.locator("#answer")).to_contain_text(BODY)
    admin.look_at_all_sides("why-apiservice")


def test_the_cause_leads_to_its_evidence_and_what_to_do(admin, cluster):
    admin.page.get_by_role("link", name=SIGNED).first.click()
    summary = admin.page.locator("summary", has_text=SIGNED)
    finding = admin.page.locator("details.finding", has=summary)
    if finding.get_attribute("open") is None:
        finding.locator("summary").click()
    expect(finding).to_contain_text("Set caBundle to the authority that signed")
    expect(finding).to_contain_text("until 1.36 verifies the certificate")
    admin.look_at_all_sides("why-finding")
