"""Whatever happens to the API server, the page tells the truth and recovers by itself.

The portal's own processes follow a real kube-apiserver through a relay, which leads them to other
servers as well; the page is open all along, as a browser keeps it.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggportal.kube.apiservices import APISERVICES_PATH
from aggportal.kube.errors import Gone
from aggportal.kube.registering import Registration, build_manifest
from tests.e2e import cluster_deeds
from tests.e2e.cluster_side import apply_documents, token_for
from tests.e2e.control_plane import ControlPlane
from tests.e2e.live_page import LivePage
from tests.e2e.portal import Portal
from tests.e2e.relay import Relay
from tests.e2e.tokens import short_token
from tests.e2e.visitor import Visitor
from tests.kube.servers import ScriptedServer, answer, chunked

pytestmark = pytest.mark.e2e

GROUP = "late.example.com"
LOST = "Out of reach; last heard"
STANDS = (
    "Below stands the last known state. The page goes on by itself as soon as the cluster answers."
)
# Waits end as soon as the words stand; the bounds are generous, for a machine with other work.
TOLD_SECONDS = 40
BACK_SECONDS = 40
SEEN_SECONDS = 40


@dataclass(frozen=True, kw_only=True)
class Followed:
    """The page of a cluster that the portal follows through `relay`, and the clock it lives by."""

    plane: ControlPlane
    relay: Relay
    visitor: Visitor
    cluster: str
    page: LivePage
    clock: Path

    def told(self, *words: str, seconds: float = TOLD_SECONDS, about: float = 45) -> str:
        """Wait until the page says, in these words, why it is old and what to do, and since when
        (`about` so many seconds ago at most); the text."""
        said = " ".join([*words, STANDS]).replace("HOST", f"127.0.0.1:{self.relay.port}")
        began, started = dt.datetime.now(dt.UTC), time.monotonic()
        self.page.wait_until(lambda text: LOST in text and said in text, seconds, since=started)
        since = self.page.shown[-1].times[0]
        assert abs(since - began) < dt.timedelta(seconds=about), (since, began)
        assert "v1.apps" in self.page.text  # the last known state stands below
        assert "out of reach" in self.pulse()
        return self.page.text

    def recovers(self, seconds: float = BACK_SECONDS) -> None:
        """Wait until the page is live again, without anybody's doing."""
        started = time.monotonic()
        if LOST in self.page.text:
            self.page.wait_until(lambda text: LOST not in text, seconds, since=started)
        assert "live" in self.pulse()

    def pulse(self) -> str:
        return self.visitor.open(f"/clusters/{self.cluster}/pulse/").page.text


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """The file that holds by how much the portal's clock is wrong."""
    file = tmp_path_factory.mktemp("clock") / "added"
    file.write_text("0")
    return file


@pytest.fixture(scope="module")
def own_portal(tmp_path_factory, clock):
    """A portal of its own, since its clock is set."""
    seam = Path(__file__).parent / "set_clock"
    environment = {"PYTHONPATH": str(seam), "AGGPORTAL_TEST_CLOCK": str(clock)}
    portal = Portal(directory=tmp_path_factory.mktemp("portal"), environment=environment)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture(scope="module")
def relay(control_plane):
    relay = Relay(target=control_plane.port)
    yield relay
    relay.refuse()


@pytest.fixture(scope="module")
def visitor(own_portal):
    return own_portal.first_administrator()


@pytest.fixture(scope="module")
def expiring(visitor, control_plane):
    """The page of the cluster, connected by a token that ends while the other tests run."""
    apply_documents(control_plane, cluster_deeds.printed_access(visitor))
    token = short_token(control_plane, namespace="aggportal", name="aggportal", seconds=30)
    connected = cluster_deeds.connect_by_token(
        visitor,
        name="expiring",
        server=control_plane.url,
        ca=control_plane.authority.pem,
        token=token,
    )
    with LivePage(visitor, cluster_deeds.slug_of(connected), "") as page:
        page.wait_until(lambda text: "v1.apps" in text and LOST not in text, SEEN_SECONDS)
        yield page


@pytest.fixture(scope="module")
def followed(visitor, control_plane, relay, clock, expiring):
    kubeconfig = control_plane.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = relay.url
    connected = cluster_deeds.connect_by_kubeconfig(
        visitor, name="harried", kubeconfig=json.dumps(kubeconfig)
    )
    cluster = cluster_deeds.slug_of(connected)
    with LivePage(visitor, cluster, "") as page:
        page.wait_until(lambda text: "v1.apps" in text, SEEN_SECONDS)
        yield Followed(
            plane=control_plane,
            relay=relay,
            visitor=visitor,
            cluster=cluster,
            page=page,
            clock=clock,
        )


@pytest.fixture
def hostile(control_plane):
    """Start a server with a valid certificate that answers as a script says."""
    servers = []

    def start(script):
        pair = control_plane.authority.serving("127.0.0.1")
        servers.append(ScriptedServer(script=script, pair=pair))
        return servers[-1].port

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def led_back(followed):
    yield
    if followed.relay.target != followed.plane.port:
        followed.relay.lead_to(followed.plane.port)


def create(plane, version):
    manifest = build_manifest(
        Registration(
            group=GROUP, version=version, service_namespace="default", service_name="nobody"
        )
    )
    plane.client().create(APISERVICES_PATH, manifest)


def delete(plane, version):
    plane.client().delete(f"{APISERVICES_PATH}/{version}.{GROUP}")


REFUSES = (
    "HOST refuses the connection: nothing listens there.",
    "Check that the API server runs, and that this machine may reach its address and port.",
)
BREAKS_OFF = ("HOST broke off the connection.", REFUSES[1])


def test_a_kube_apiserver_that_is_killed_is_told_and_its_return_seen(followed):
    followed.plane.stop_apiserver(kill=True)
    try:
        followed.told(*BREAKS_OFF)
    finally:
        followed.plane.start_apiserver()
    followed.recovers()


def test_what_changed_while_the_watch_was_away_is_seen_though_its_version_is_gone(followed):
    plane, page = followed.plane, followed.page
    create(plane, "v1")
    page.wait_until(lambda text: f"v1.{GROUP}" in text, SEEN_SECONDS)
    old = plane.client().list_pages(APISERVICES_PATH).resource_version
    followed.relay.refuse()
    followed.told(*REFUSES)
    delete(plane, "v1")
    create(plane, "v2")
    plane.stop_apiserver(kill=True)  # what it remembers of old versions goes with it
    plane.start_apiserver()
    with plane.client().watch(APISERVICES_PATH, old, window=1) as stream, pytest.raises(Gone):
        list(stream)
    followed.relay.lead_to(plane.port)
    followed.recovers()
    page.wait_until(lambda text: f"v2.{GROUP}" in text and f"v1.{GROUP}" not in text, SEEN_SECONDS)
    assert not any("no longer has this version" in shown.text for shown in page.shown)
    delete(plane, "v2")


def test_garbage_instead_of_an_api_server_is_told(followed, hostile):
    port = hostile(lambda conn, asked: answer(conn, 200, "<html>Please log in</html>"))
    followed.relay.lead_to(port)
    followed.told(
        "HOST does not answer as a Kubernetes API server.",
        "Check the server address: it may lead to a login page, a proxy or another program.",
    )
    followed.relay.lead_to(followed.plane.port)
    followed.recovers()


def test_a_body_without_end_is_cut_off_and_told(followed, hostile):
    def pour(conn, asked):
        send = chunked(conn)
        while True:
            send(b'{"kind": "APIServiceList", "items": [' + b" " * 500_000)

    followed.relay.lead_to(hostile(pour))
    followed.told(
        "MB; the rest was not read.",
        "Check the server address: an API server does not answer this with so much data.",
        seconds=60,
    )
    followed.relay.lead_to(followed.plane.port)
    followed.recovers()


def test_a_server_that_accepts_and_never_answers_is_told(followed):
    followed.relay.hold_still()
    followed.told(
        "HOST did not finish its answer within 3 s.",
        "Packets may be dropped by a firewall on the way, or the API server is overloaded; "
        "try again shortly.",
        seconds=60,
        about=60,
    )
    followed.relay.lead_to(followed.plane.port)
    followed.recovers()


def test_a_token_that_expired_is_told_and_a_new_one_is_enough(followed, expiring):
    said = (
        "The API server does not accept the credentials. "
        "The token or certificate may have expired or been withdrawn: connect with a new one. "
        f"{STANDS}"
    )
    expiring.wait_until(lambda text: LOST in text and said in text, 90)
    path = expiring.path + "credentials/?way=token"
    at = followed.visitor.open(path)
    token = token_for(followed.plane, namespace="aggportal", name="aggportal")
    fields = {"ca_pem": followed.plane.authority.pem, "server": followed.plane.url}
    replaced = time.monotonic()
    done = followed.visitor.send(at, at.page.form_with("token"), token=token, **fields)
    assert done.status == 200, done.page.text
    expiring.wait_until(lambda text: LOST not in text, BACK_SECONDS, since=replaced)


def test_a_clock_that_is_set_ahead_does_not_stop_the_page(followed):
    followed.clock.write_text("3600")
    leapt = time.monotonic()
    time.sleep(2)  # the page asks at least once while nothing was heard yet by the new clock
    followed.recovers()
    since = [shown.text for shown in followed.page.shown if shown.at >= leapt]
    assert all(
        "Nothing was heard of the API server lately." in text or "worker" in text
        for text in since
        if LOST in text
    )
    create(followed.plane, "v3")
    followed.page.wait_until(lambda text: f"v3.{GROUP}" in text, SEEN_SECONDS)


def test_a_clock_that_is_set_back_makes_nothing_newer_than_it_is(followed):
    followed.clock.write_text("0")
    followed.relay.refuse()
    followed.told(*REFUSES)
    followed.relay.lead_to(followed.plane.port)
    followed.recovers()
    delete(followed.plane, "v3")
    followed.page.wait_until(lambda text: f"v3.{GROUP}" not in text, SEEN_SECONDS)
