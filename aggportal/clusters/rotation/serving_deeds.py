"""What the portal does in a serving CA's exchange: caBundles and certificates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from aggportal.certs.models import Authority, Certificate, CertificateName
from aggportal.certs.services.file_names import base_name_of
from aggportal.certs.services.issuing import IssueChoices, issue_certificate
from aggportal.clusters.models import Rotation
from aggportal.clusters.rotation.made import CERTIFICATES, made_since, noted
from aggportal.clusters.rotation.serving_looks import (
    Backed,
    Exchange,
    answers,
    read_exchange,
    row_of,
    why_silent,
)
from aggportal.clusters.rotation.steps import Did, Doing
from aggportal.clusters.services.bundles import patch_bundle, try_bundle
from aggportal.doctor.told import say
from aggportal.kube.errors import KubeError
from aggportal.pki.covering import names_that_cover
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# What one more patch with its look, or one more key, takes at most; no further one begins later.
_SECONDS = 3.0
# How long the answers are watched after the old CA is gone from a caBundle, and how often.
_WATCHED, _PAUSE = 1.2, 0.2
_LONGEST_CN = 64
T = TypeVar("T")


class NotAnswered(KubeError):
    """Requests would fail, or did fail, without the old CA."""

    code = "not-answered"


def trust_both(doing: Doing) -> Did:
    """Write old and new CA into every caBundle that has not got both."""
    exchange = read_exchange(doing.client, doing.rotation)
    assert doing.rotation.new_authority is not None  # noqa: S101 - the kind begins with one
    doing.rotation.cluster.serving_authorities.add(doing.rotation.new_authority)
    lacking = [each for each in exchange.services if not exchange.has_both(each)]

    def patch(each: Backed) -> None:
        _patch(doing, each, exchange.with_both(each))

    left = _as_long_as_there_is_time(doing, lacking, patch)
    text = _n("%(count)d caBundles hold both CAs now, %(left)d are left: press again for them.")
    if not left:
        text = _n("%(count)d caBundles were changed; all hold both CAs now.")
    return Did(
        sentence=say(text, count=len(lacking) - left, left=left),
        rotation_facts={"services": exchange.by_place},
    )


def drop_old(doing: Doing) -> Did:
    """Take the old CA out of one caBundle after the other, each watched before and after: where
    requests are not answered any more, both are written back at once.

    Raises NotAnswered.
    """
    exchange = read_exchange(doing.client, doing.rotation)
    holding = [each for each in exchange.services if not exchange.is_without_old(each)]
    left = _as_long_as_there_is_time(doing, holding, lambda each: _drop(doing, exchange, each))
    if not left and doing.rotation.old_authority is not None:
        doing.rotation.cluster.serving_authorities.remove(doing.rotation.old_authority)
    text = _n("%(count)d caBundles are without the old CA, %(left)d are left: press again.")
    if not left:
        text = _n("%(count)d caBundles were changed; none holds the old CA any more.")
    return Did(sentence=say(text, count=len(holding) - left, left=left))


def issue_certificates(doing: Doing) -> Did:
    """Issue a certificate for each Service that has none yet, as long as there is time; what was
    issued before the process ended is found again.
    """
    before = {**noted(doing.step.facts), **noted(doing.rotation.facts)}
    issued = _good(before)
    lacking = [place for place in doing.rotation.facts["services"] if place not in issued]

    def issue(place: str) -> None:
        issued[place] = _made_before(doing, place) or _issue(doing, place)
        doing.note(**{CERTIFICATES: {key: each.pk for key, each in issued.items()}})

    left = _as_long_as_there_is_time(doing, lacking, issue)
    text = _n("%(count)d certificates are ready, %(left)d are left: press again for them.")
    if not left:
        text = _n("%(count)d certificates are ready.")
    return Did(
        sentence=say(text, count=len(issued), left=left),
        rotation_facts={CERTIFICATES: {key: each.pk for key, each in issued.items()}},
    )


def certificates_of(rotation: Rotation) -> dict[str, Certificate]:
    """What was issued for each Service and counts still."""
    return _good(noted(rotation.facts))


def _good(pks: Mapping[str, int]) -> dict[str, Certificate]:
    rows = Certificate.objects.filter(revoked_at=None).select_related("authority", "material")
    found = rows.in_bulk(list(pks.values()))
    return {place: found[pk] for place, pk in pks.items() if pk in found}


def hosts_of(place: str, others: frozenset[str]) -> tuple[str, ...]:
    """The names for the backend of `namespace/name`; `others` are those that it had before."""
    namespace, _, name = place.partition("/")
    own = (
        f"{name}.{namespace}.svc",
        f"{name}.{namespace}.svc.cluster.local",
        f"{name}.{namespace}",
    )
    return (*own, *sorted(others - set(own)))


def _as_long_as_there_is_time(
    doing: Doing, services: Sequence[T], work: Callable[[T], None]
) -> int:
    """Do `work` on one after the other; return how many are left."""
    for place, each in enumerate(services):
        if time.monotonic() > doing.client.ends_at - _SECONDS:
            return len(services) - place
        work(each)
    return 0


def _patch(doing: Doing, each: Backed, pem: bytes) -> None:
    """Patch the state that was shown; one that was not shown yet as it is now."""
    cluster = doing.rotation.cluster
    row = row_of(cluster, each.name)
    seen = doing.step.facts.get("marks", {}).get(each.name) or try_bundle(cluster, row, pem).seen
    patch_bundle(cluster, row, pem, seen=seen, by=doing.by, now=doing.now)


def _drop(doing: Doing, exchange: Exchange, each: Backed) -> None:
    why = _silence(doing, each)
    if why is not None:
        text = _n(
            "Requests for %(name)s are not answered already, so nothing was changed there: %(why)s"
        )
        raise NotAnswered(text, name=each.name, why=str(why))
    _patch(doing, each, exchange.without_old(each))
    until = time.monotonic() + _WATCHED
    while time.monotonic() < until:
        why = _silence(doing, each)
        if why is not None:
            _restore(doing, exchange, each)
            text = _n(
                "Without the old CA requests for %(name)s were not answered: %(why)s Both CAs are "
                "trusted there again. Its backend does not serve the new certificate everywhere."
            )
            raise NotAnswered(text, name=each.name, why=str(why))
        time.sleep(_PAUSE)


def _restore(doing: Doing, exchange: Exchange, each: Backed) -> None:
    cluster = doing.rotation.cluster
    row = row_of(cluster, each.name)
    pem = exchange.with_both(each)
    patch_bundle(
        cluster, row, pem, seen=try_bundle(cluster, row, pem).seen, by=doing.by, now=doing.now
    )


def _silence(doing: Doing, each: Backed) -> Sentence | None:
    return next(why_silent(answer) for _each, answer in answers(doing.client, [each]))


def _made_before(doing: Doing, place: str) -> Certificate | None:
    """What a deed that was cut off has issued."""
    host = hosts_of(place, frozenset())[0]
    named = Certificate.objects.filter(authority=doing.rotation.new_authority)
    covering = named.covering(names_that_cover(host))
    return made_since(doing.rotation).filter(pk__in=covering.values("pk")).first()


def _issue(doing: Doing, place: str) -> Certificate:
    authority = doing.rotation.new_authority
    assert authority is not None  # noqa: S101 - the kind begins with one
    hosts = hosts_of(place, _names_before(doing, place))
    common_name = hosts[0] if len(hosts[0]) <= _LONGEST_CN else ""
    choices = IssueChoices(
        profile=str(doing.chosen["profile"]),
        file_base=base_name_of(hosts[0]),
        end_with_authority=bool(doing.chosen.get("end_with_authority")),
    )
    spec = RequestSpec(common_name=common_name, hosts=hosts)
    return issue_certificate(authority, spec, choices, by=doing.by, now=doing.now)


def _names_before(doing: Doing, place: str) -> frozenset[str]:
    """Names of the certificate that the old authority issued last for the Service."""
    old: Authority | None = doing.rotation.old_authority
    host = hosts_of(place, frozenset())[0]
    rows = Certificate.objects.filter(authority=old, revoked_at=None)
    last = rows.covering(names_that_cover(host)).order_by("-pk").first() if old else None
    names = CertificateName.objects.filter(certificate=last, kind="dns") if last else ()
    return frozenset(each.value for each in names)
