"""A05, A06: whether kube-apiserver can find its way to the Service, as it is set up."""

from __future__ import annotations

from aggportal.doctor.availability import SERVICES, behind_of, port_of, service_behind
from aggportal.doctor.commands import of_service, patch_service
from aggportal.doctor.evidence import Evidence, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.masters import ROUTING, SERVER_PODS, Server, routes, servers_seen
from aggportal.doctor.mending import port_patch
from aggportal.doctor.objects import service_ports, text_at
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, service_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

_TYPES = {"ClusterIP", "ExternalName", "NodePort", "LoadBalancer"}
_HEADLESS = "ClusterIP None"


@service_check(
    "A05", Severity.ERROR, _n("Its Service can be routed"), reads=[SERVICES, SERVER_PODS]
)
def service_can_be_routed(evidence: Evidence, each: APIService) -> Outcome:
    """Without aggregator routing a headless Service fails, with it an ExternalName: the type is
    compared with the flag of each kube-apiserver, or with how it answers where none is seen.
    """
    _reference, behind = behind_of(evidence, each)
    service = service_behind(behind)
    if isinstance(service, Inapplicable | Unread):
        return service
    kind = text_at(service.value, "spec", "type") or "ClusterIP"
    if kind == "ClusterIP" and text_at(service.value, "spec", "clusterIP") == "None":
        kind = _HEADLESS
    if kind not in {*_TYPES, _HEADLESS}:
        told = say(_n("%(type)s is no type of Service."), type=kind)
        return _found(each, told, (), kind)
    discovery = evidence.discoveries.get(each.name)
    body = (discovery.body if discovery else "") or each.availability.message
    refused = "unsupported service type" in body or 'ClusterIP "None"' in body
    if refused or each.availability.cause.code == "routing-mode":
        told = say(
            _n("kube-apiserver cannot route to a Service of type %(type)s as it is set up."),
            type=kind,
        )
        return _found(each, told, (say("%(body)s", body=body[:600]),), kind)
    if kind not in {"ExternalName", _HEADLESS}:
        return Passed(evidence=(say("%(type)s", type=kind),))
    return _against_flags(evidence, each, kind)


def _against_flags(evidence: Evidence, each: APIService, kind: str) -> Outcome:
    """ExternalName wants the flag off, a headless Service wants it on, on every master."""
    servers = servers_seen(evidence)
    if isinstance(servers, tuple):
        wrong = [one for one in servers if routes(one) == (kind == "ExternalName")]
        if wrong:
            return _found(each, _unfit(wrong, kind), (), kind)
        return Passed(evidence=(say("%(type)s", type=kind),))
    discovery = evidence.discoveries.get(each.name)
    if discovery is not None and discovery.status == 200:
        through = say(_n("Requests come through at present."))
        return Passed(evidence=(say("%(type)s", type=kind), through))
    return servers


def _unfit(wrong: list[Server], kind: str) -> Sentence:
    on = _n("kube-apiserver on %(nodes)s has %(flag)s, so it refuses a Service of type %(type)s.")
    off = _n("kube-apiserver on %(nodes)s lacks %(flag)s, which a Service of type %(type)s needs.")
    return say(
        on if kind == "ExternalName" else off,
        nodes=", ".join(one.node for one in wrong[:8]),
        flag=f"{ROUTING}=true",
        type=kind,
    )


def _found(
    each: APIService, sentence: Sentence, evidence: tuple[Sentence, ...], kind: str
) -> Found:
    remedy = say(
        _n(
            "Use a Service of type ClusterIP with an address; ExternalName needs "
            "--enable-aggregator-routing=false, a headless one true."
        )
    )
    wanted = "false" if kind == "ExternalName" else "true"
    flag = "" if kind not in {"ExternalName", _HEADLESS} else f"{ROUTING}={wanted}"
    patch = '{"spec":{"type":"ClusterIP","externalName":null}}'
    command = flag or patch_service(each, patch)
    return Found(
        sentence=sentence,
        evidence=evidence,
        remedy=Remedy(sentence=remedy, command=command, deed=Deed.FLAGS),
    )


@service_check("A06", Severity.ERROR, _n("Its port is one of the Service"), reads=[SERVICES])
def port_is_in_service(evidence: Evidence, each: APIService) -> Outcome:
    """`spec.service.port` (default 443) is a port of the Service."""
    reference, behind = behind_of(evidence, each)
    service = service_behind(behind)
    if isinstance(service, Inapplicable | Unread):
        return service
    if text_at(service.value, "spec", "type") == "ExternalName":
        return Inapplicable(sentence=say(_n("A Service of type ExternalName needs no ports.")))
    ports = service_ports(service.value)
    if port_of(reference, ports):
        return Passed()
    command = port_patch(each, service.value) if ports else of_service(each)
    return Found(
        sentence=say(
            _n("The Service has no port %(port)d; it has %(ports)s."),
            port=reference.port,
            ports=", ".join(str(port.port) for port in ports) or "-",
        ),
        remedy=Remedy(
            sentence=say(
                _n("Make the port of the APIService equal to a port of the Service (usually 443).")
            ),
            command=command,
        ),
    )
