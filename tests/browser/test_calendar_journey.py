"""What stops working when, across clusters: in words, by month, with a chart.

The tests are the steps of one walk and go in this order.
"""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from aggportal.kube.apiservices import APISERVICES_PATH
from tests.browser.furnishing import connect_cluster
from tests.e2e.clinic import Authority, apiservice

NAME = "v1beta1.external.metrics.k8s.io"
SCALERS = "/apis/autoscaling/v2beta2/namespaces/{}/horizontalpodautoscalers"
NAMESPACES = ("shop", "search", "mail")
DAYS = 40
LOOKED_MS = 60_000


def scaler():
    metric = {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "7"}}
    return {
        "apiVersion": "autoscaling/v2beta2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
            "metrics": [{"type": "External", "external": metric}],
        },
    }


@pytest.fixture(scope="module")
def ending(control_plane):
    """An APIService by which three namespaces scale, whose caBundle ends in forty days."""
    client = control_plane.client()
    for name in NAMESPACES:
        control_plane.ensure_namespace(name)
        client.create(SCALERS.format(name), scaler())
    authority = Authority(common_name="adapter-ca", days=(-300, DAYS))
    client.create(APISERVICES_PATH, apiservice(NAME, authority.pem, 443))
    yield authority.certificate.not_valid_after_utc
    client.delete(f"{APISERVICES_PATH}/{NAME}")
    for name in NAMESPACES:
        client.delete(f"{SCALERS.format(name)}/web")


@pytest.fixture(scope="module")
def clusters(visitor, control_plane, ending):
    return [connect_cluster(visitor, control_plane, name=f"calendar-{n}") for n in ("east", "west")]


def line(page, cluster):
    return page.locator("main li", has_text=f"The caBundle of {NAME} in cluster {cluster}")


def in_words(when: dt.datetime) -> str:
    return f"{when.day} {when:%B}"


def test_the_doctor_has_looked_at_both_clusters(admin, clusters):
    for path in clusters:
        admin.go(f"{path}doctor/")
        expect(admin.page.locator("#doctor-board")).to_contain_text("Looked at", timeout=LOOKED_MS)


def test_the_dashboard_leads_to_it(admin, clusters):
    admin.go("/")
    admin.follow("Calendar")
    admin.heading("What stops working when")


def test_it_says_on_which_day_what_stops_for_whom_in_each_cluster(admin, clusters, ending):
    for cluster in ("calendar-east", "calendar-west"):
        told = line(admin.page, cluster)
        expect(told).to_contain_text(in_words(ending))
        expect(told).to_contain_text(
            "HorizontalPodAutoscalers on external.metrics.k8s.io in 3 namespaces stop."
        )
    expect(admin.page.get_by_role("heading", name=f"{ending:%B %Y}")).to_be_visible()
    expect(admin.page.get_by_role("img", name="How much ends in each")).to_be_visible()
    admin.look_at_all_sides("calendar-all")


def test_it_is_narrowed_to_one_cluster_and_to_a_time(admin, clusters):
    form = admin.page.locator("main form")
    form.locator("[name=cluster]").select_option("calendar-east")
    form.get_by_role("button", name="Show", exact=True).click()
    expect(line(admin.page, "calendar-west")).to_have_count(0)
    expect(line(admin.page, "calendar-east")).to_be_visible()
    admin.go("/calendar/?cluster=calendar-east&within=30d")
    expect(line(admin.page, "calendar-east")).to_have_count(0)
    admin.go("/calendar/?cluster=calendar-east&within=90d")
    expect(line(admin.page, "calendar-east")).to_be_visible()


def test_an_end_leads_to_what_ends(admin, clusters):
    line(admin.page, "calendar-east").get_by_role("link").click()
    admin.heading(NAME)
    expect(admin.page.locator("main")).to_contain_text("CN=adapter-ca")


def test_the_overview_names_what_ends_first(admin, clusters):
    admin.go("/clusters/")
    row = admin.page.locator("main tr", has_text="calendar-east")
    # The CA of the clients, which the control plane was started with, ends before.
    for words in ("live", "not available", "a CA that the cluster trusts ends"):
        expect(row).to_contain_text(words)
    admin.look_at_all_sides("calendar-overview")
