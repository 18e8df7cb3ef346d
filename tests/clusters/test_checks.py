from __future__ import annotations

from aggportal.clusters.checks import networks_are_networks


def test_a_wrong_network_stops_the_start(settings):
    settings.EGRESS_DENY = ["10.0.0.0/33"]
    (found,) = networks_are_networks()
    assert found.id == "clusters.E001"
    assert "10.0.0.0/33" in found.msg


def test_right_networks_pass(settings):
    settings.EGRESS_ALLOW, settings.EGRESS_DENY = ["10.0.0.0/8"], ["::1/128"]
    assert networks_are_networks() == []
