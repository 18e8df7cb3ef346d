"""An end in words: what ends, and what stops working then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.bindings import Bindings
from aggportal.clusters.models import Cluster, Place, SeenCertificate, WatchedAPIService
from aggportal.dashboard.timeline import tone_of
from aggportal.web.sentences import visible


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """One end: `what` leads to `url`; `effect` says what stops. `tone` is ok, warn or bad."""

    when: dt.datetime
    what: str
    effect: str
    url: str
    symbol: str
    tone: str
    is_over: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What the sentences are made from; `hosts` are the DNS names of certificates by id."""

    bound: Bindings
    hosts: Mapping[int, Sequence[str]]
    now: dt.datetime

    def say(self, row: object, when: dt.datetime) -> Ending:
        """Say the end of a row of any source."""
        match row:
            case SeenCertificate():
                what, effect, symbol = _seen(row)
                url = row.cluster.get_absolute_url() + "doctor/"
            case WatchedAPIService():
                what, effect, symbol = _bundle(row)
                url = row.get_absolute_url()
            case Authority():
                what, effect, symbol = _authority(row, self.bound)
                url = row.get_absolute_url()
            case Certificate():
                what, effect, symbol = self._certificate(row)
                url = row.get_absolute_url()
            case _:
                raise TypeError(type(row).__name__)
        return Ending(
            when=when,
            what=what,
            effect=effect,
            url=url,
            symbol=symbol,
            tone=tone_of(when, now=self.now),
            is_over=when <= self.now,
        )

    def _certificate(self, row: Certificate) -> tuple[str, str, str]:
        name = visible(row)
        proxied = self.bound.proxied(row)
        if proxied:
            what = _("The proxy certificate %(name)s of %(clusters)s") % {
                "name": name,
                "clusters": _clusters(proxied),
            }
            return what, _proxy_stops(), "key"
        served = self.bound.served(row, self.hosts.get(row.pk, ()))
        if served:
            backend = served[0]
            cluster = self.bound.clusters[backend.cluster]
            what = _("The serving certificate %(name)s of %(api)s in cluster %(cluster)s") % {
                "name": name,
                "api": visible(backend.name),
                "cluster": visible(cluster.name),
            }
            more = len(served) - 1
            effect = stops(backend.group)
            if more:
                effect = _("%(effect)s %(count)d more APIServices show it.") % {
                    "effect": effect,
                    "count": more,
                }
            return what, effect, "hdd-network"
        what = _("The certificate %(name)s") % {"name": name}
        return what, _("Whoever shows it is refused; no cluster is known to use it."), "patch-check"


def stops(group: str) -> str:
    """What stops when the APIs of a group do not answer."""
    if group == "metrics.k8s.io":
        return _("kubectl top and HorizontalPodAutoscalers on CPU and memory stop.")
    if group in ("custom.metrics.k8s.io", "external.metrics.k8s.io"):
        return _("HorizontalPodAutoscalers on %(group)s stop.") % {"group": group}
    return _(
        "Requests to %(group)s fail with 503, namespaces stay in Terminating, and every kubectl "
        "waits for its discovery."
    ) % {"group": visible(group)}


def _proxy_stops() -> str:
    return _(
        "kube-apiserver can no longer prove who it is: every aggregated API refuses all requests."
    )


def _bundle(row: WatchedAPIService) -> tuple[str, str, str]:
    params = {"api": visible(row.name), "cluster": visible(row.cluster.name)}
    if row.ca_count > 1:
        what = _("The first CA in the caBundle of %(api)s in cluster %(cluster)s") % params
        effect = _("If its serving certificate is signed by that one: %(effect)s") % {
            "effect": stops(row.group)
        }
        return what, effect, "shield-lock"
    what = _("The caBundle of %(api)s in cluster %(cluster)s") % params
    return what, stops(row.group), "shield-lock"


def _seen(row: SeenCertificate) -> tuple[str, str, str]:
    params = {"subject": visible(row.subject), "cluster": visible(row.cluster.name)}
    if row.place == Place.FRONT_PROXY:
        what = _("The front-proxy CA %(subject)s of cluster %(cluster)s") % params
        return what, _proxy_stops(), "shield-lock"
    what = _("The client CA %(subject)s of cluster %(cluster)s") % params
    effect = _("Whoever logs in with a certificate of it is refused: kubelets, kubeconfigs.")
    return what, effect, "shield-lock"


def _authority(row: Authority, bound: Bindings) -> tuple[str, str, str]:
    label = visible(row.label)
    front, serving = bound.front.get(row.pk, ()), bound.serving.get(row.pk, ())
    if front:
        clusters = _clusters([bound.clusters[each] for each in front])
        what = _("The front-proxy authority %(name)s of %(clusters)s")
        return what % {"name": label, "clusters": clusters}, _proxy_stops(), "shield-lock"
    if serving:
        clusters = _clusters([bound.clusters[each] for each in serving])
        what = _("The serving authority %(name)s of %(clusters)s")
        effect = _("No serving certificate of it is trusted any more: those aggregated APIs stop.")
        return what % {"name": label, "clusters": clusters}, effect, "shield-lock"
    what = _("The authority %(name)s") % {"name": label}
    effect = _("Everything that it signed is refused; no cluster is known to use it.")
    if row.lane == Lane.CLIENT:
        effect = _("Clients with a certificate of it are refused; no cluster is known to use it.")
    return what, effect, "shield-lock"


def _clusters(found: Sequence[Cluster]) -> str:
    names = [visible(each.name) for each in found[:3]]
    text = ", ".join(names)
    if len(found) > len(names):
        text = _("%(names)s and %(count)d more") % {
            "names": text,
            "count": len(found) - len(names),
        }
    if len(found) == 1:
        return _("cluster %(name)s") % {"name": text}
    return _("clusters %(names)s") % {"names": text}
