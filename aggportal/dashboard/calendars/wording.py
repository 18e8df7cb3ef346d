"""An end in words: what ends, and what stops working then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.clusters.bindings import Bindings
from aggportal.clusters.models import Cluster, Place, SeenCertificate, WatchedAPIService
from aggportal.clusters.scaled import Scaled
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
    """What the sentences are made from; `hosts` are the DNS names of certificates by id, `scaled`
    tells in how many namespaces of a cluster something is scaled by an API group.
    """

    bound: Bindings
    hosts: Mapping[int, Sequence[str]]
    scaled: Scaled
    now: dt.datetime

    def say(self, row: object, when: dt.datetime) -> Ending:
        """Say the end of a row of any source."""
        match row:
            case SeenCertificate():
                what, effect, symbol = self._seen(row)
                url = row.cluster.get_absolute_url() + "doctor/"
            case WatchedAPIService():
                what, effect, symbol = self._bundle(row)
                url = row.get_absolute_url()
            case Authority():
                what, effect, symbol = self._authority(row)
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
            return what, self._proxy_stops(each.pk for each in proxied), "key"
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
            effect = self._stops(backend.cluster, backend.group)
            if more:
                effect = _("%(effect)s %(count)d more APIServices show it.") % {
                    "effect": effect,
                    "count": more,
                }
            return what, effect, "hdd-network"
        what = _("The certificate %(name)s") % {"name": name}
        return what, _("Whoever shows it is refused; no cluster is known to use it."), "patch-check"

    def _stops(self, cluster: int, group: str) -> str:
        """What stops in a cluster when the APIs of a group do not answer."""
        return stops(group, self.scaled.get((cluster, group)))

    def _proxy_stops(self, clusters: Iterable[int]) -> str:
        """What stops where kube-apiserver can no longer show a proxy certificate that counts."""
        effect = _(
            "kube-apiserver can no longer prove who it is: every aggregated API refuses all "
            "requests."
        )
        wanted = set(clusters)
        counts: dict[int, int] = {}
        for (cluster, _group), count in self.scaled.items():
            if cluster in wanted:  # the groups may share namespaces
                counts[cluster] = max(counts.get(cluster, 0), count)
        spaces = sum(counts.values())
        if not spaces:
            return effect
        also = ngettext(
            "HorizontalPodAutoscalers in %(count)d namespace get no metrics then.",
            "HorizontalPodAutoscalers in %(count)d namespaces get no metrics then.",
            spaces,
        )
        return f"{effect} {also % {'count': spaces}}"

    def _bundle(self, row: WatchedAPIService) -> tuple[str, str, str]:
        params = {"api": visible(row.name), "cluster": visible(row.cluster.name)}
        stopping = self._stops(row.cluster.pk, row.group)
        if row.ca_count > 1:
            what = _("The first CA in the caBundle of %(api)s in cluster %(cluster)s") % params
            effect = _("If its serving certificate is signed by that one: %(effect)s") % {
                "effect": stopping
            }
            return what, effect, "shield-lock"
        what = _("The caBundle of %(api)s in cluster %(cluster)s") % params
        return what, stopping, "shield-lock"

    def _seen(self, row: SeenCertificate) -> tuple[str, str, str]:
        params = {"subject": visible(row.subject), "cluster": visible(row.cluster.name)}
        if row.place == Place.FRONT_PROXY:
            what = _("The front-proxy CA %(subject)s of cluster %(cluster)s") % params
            return what, self._proxy_stops([row.cluster.pk]), "shield-lock"
        what = _("The client CA %(subject)s of cluster %(cluster)s") % params
        effect = _("Whoever logs in with a certificate of it is refused: kubelets, kubeconfigs.")
        return what, effect, "shield-lock"

    def _authority(self, row: Authority) -> tuple[str, str, str]:
        label = visible(row.label)
        front, serving = self.bound.front.get(row.pk, ()), self.bound.serving.get(row.pk, ())
        if front:
            clusters = _clusters([self.bound.clusters[each] for each in front])
            what = _("The front-proxy authority %(name)s of %(clusters)s")
            named = what % {"name": label, "clusters": clusters}
            return named, self._proxy_stops(front), "shield-lock"
        if serving:
            clusters = _clusters([self.bound.clusters[each] for each in serving])
            what = _("The serving authority %(name)s of %(clusters)s")
            effect = _(
                "No serving certificate of it is trusted any more: those aggregated APIs stop."
            )
            return what % {"name": label, "clusters": clusters}, effect, "shield-lock"
        return _lonely_authority(row, label)


def stops(group: str, spaces: int | None = None) -> str:
    """What stops when the APIs of a group do not answer; `spaces` is in how many namespaces
    something is scaled by it, None where nobody knows.
    """
    if group == "metrics.k8s.io":
        if spaces is None:
            return _("kubectl top and HorizontalPodAutoscalers on CPU and memory stop.")
        text = ngettext(
            "kubectl top and HorizontalPodAutoscalers in %(count)d namespace stop.",
            "kubectl top and HorizontalPodAutoscalers in %(count)d namespaces stop.",
            spaces,
        )
        return text % {"count": spaces} if spaces else _("kubectl top stops.")
    if group in ("custom.metrics.k8s.io", "external.metrics.k8s.io"):
        text = _("HorizontalPodAutoscalers on %(group)s stop.")
        if spaces:
            text = ngettext(
                "HorizontalPodAutoscalers on %(group)s in %(count)d namespace stop.",
                "HorizontalPodAutoscalers on %(group)s in %(count)d namespaces stop.",
                spaces,
            )
        return text % {"group": group, "count": spaces}
    return _(
        "Requests to %(group)s fail with 503, namespaces stay in Terminating, and every kubectl "
        "waits for its discovery."
    ) % {"group": visible(group)}


def _lonely_authority(row: Authority, label: str) -> tuple[str, str, str]:
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
