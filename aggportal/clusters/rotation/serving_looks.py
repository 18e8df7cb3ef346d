"""What of a serving CA's exchange can be seen in the cluster: caBundles, answers, handshakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggportal.certs.models import Certificate
from aggportal.clusters.models import Cluster, Rotation, WatchedAPIService
from aggportal.clusters.rotation.steps import Ask, Look
from aggportal.clusters.services.bundles import certificates_in, try_bundle
from aggportal.clusters.services.connections import egress_policy
from aggportal.doctor.evidence import Discovery
from aggportal.doctor.gathering import Looker
from aggportal.doctor.probing import Probe, places_of, pods_of, probe_backend
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService, parse_apiservice
from aggportal.kube.causes import classify
from aggportal.kube.client import ApiClient
from aggportal.kube.errors import KubeError, PermissionDenied
from aggportal.kube.permissions import AccessRule
from aggportal.pki.exports import pem_of
from aggportal.pki.facts import CertificateFacts, is_issued_by
from aggportal.pki.reading import load_certificate, read_certificate, read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAY_PATCH = AccessRule(verb="patch", group="apiregistration.k8s.io", resource="apiservices")
_MOST_TRIED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Backed:
    """An aggregated APIService and what stands in its caBundle."""

    service: APIService
    document: Mapping[str, Any]
    bundle: tuple[CertificateFacts, ...]

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def place(self) -> str:
        """`namespace/name` of its Service."""
        reference = self.service.service
        return f"{reference.namespace}/{reference.name}" if reference else ""

    @property
    def port(self) -> int:
        """Of its Service, 443 where none is named."""
        reference = self.service.service
        return reference.port if reference else 443

    def holds(self, key: str) -> bool:
        """Whether caBundle holds a CA with that public key (SHA-256)."""
        return any(each.spki_sha256 == key for each in self.bundle)


def backed(documents: Iterable[Mapping[str, Any]]) -> tuple[Backed, ...]:
    """The aggregated ones among them."""
    return tuple(_backed(documents))


def _backed(documents: Iterable[Mapping[str, Any]]) -> Iterator[Backed]:
    for document in documents:
        service = parse_apiservice(document)
        if not service.is_local:
            yield Backed(service=service, document=document, bundle=certificates_in(document))


def read_backed(client: ApiClient) -> tuple[Backed, ...]:
    """All that the cluster has. Raises KubeError."""
    return backed(client.list_pages(APISERVICES_PATH).items)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One exchange as it stands: what it is about, by public key, and the APIServices in it."""

    old: tuple[CertificateFacts, ...]
    new: CertificateFacts
    services: tuple[Backed, ...]

    @property
    def old_key(self) -> str:
        return self.old[0].spki_sha256

    def with_both(self, each: Backed) -> bytes:
        """Its caBundle with the old and the new CA; others stay."""
        return _each_once((*each.bundle, *self.old, self.new))

    def without_old(self, each: Backed) -> bytes:
        """Its caBundle without the old CA, with the new one; others stay."""
        kept = [ca for ca in each.bundle if ca.spki_sha256 != self.old_key]
        return _each_once((*kept, self.new))

    def has_both(self, each: Backed) -> bool:
        return each.holds(self.old_key) and each.holds(self.new.spki_sha256)

    def is_without_old(self, each: Backed) -> bool:
        return not each.holds(self.old_key) and each.holds(self.new.spki_sha256)

    @property
    def by_place(self) -> dict[str, list[str]]:
        """The names of the APIServices by their Service."""
        found: dict[str, list[str]] = {}
        for each in self.services:
            found.setdefault(each.place, []).append(each.name)
        return found


def _each_once(certificates: Iterable[CertificateFacts]) -> bytes:
    once = {each.sha256: each for each in certificates}
    return pem_of(tuple(once.values())).encode("ascii")


def read_exchange(client: ApiClient, rotation: Rotation) -> Exchange:
    """Which APIServices it is about now: those of the beginning that are there still, and all
    that trust the old CA. Raises KubeError.
    """
    old = read_certificates(rotation.old_pem)
    assert rotation.new_authority is not None  # noqa: S101 - the kind begins with one
    named = {name for names in rotation.facts["services"].values() for name in names}
    key = old[0].spki_sha256
    found = (each for each in read_backed(client) if each.name in named or each.holds(key))
    new = read_certificate(rotation.new_authority.certificate_pem)
    return Exchange(old=old, new=new, services=tuple(found))


def answers(client: ApiClient, services: Iterable[Backed]) -> Iterator[tuple[Backed, Discovery]]:
    """What any client gets through kube-apiserver from each."""
    chosen = tuple(services)
    looker = Looker(client=client)
    found = looker.each(lambda each: looker.discovery(each.service), chosen)
    return zip(chosen, found, strict=True)


def why_silent(answer: Discovery) -> Sentence | None:
    """What is wrong with an answer, None where it is as it should be."""
    if answer.status == 200:
        return None
    if answer.trouble is not None:
        return answer.trouble
    why = str(classify(answer.body or "").sentence)
    return say(_n("HTTP %(status)d: %(why)s"), status=answer.status or 0, why=why)


def judge_answers(
    client: ApiClient, services: Iterable[Backed]
) -> tuple[list[Sentence], list[Sentence]]:
    """Requests through kube-apiserver: what was answered, and what was not."""
    seen, missing = [], []
    for each, answer in answers(client, services):
        why = why_silent(answer)
        if why is None:
            text = _n("Requests for %(name)s are answered (%(path)s, %(ms)d ms).")
            seen.append(say(text, name=each.name, path=answer.path, ms=answer.milliseconds))
        else:
            text = _n("Requests for %(name)s are not answered: %(why)s")
            missing.append(say(text, name=each.name, why=str(why)))
    return seen, missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What patches would change: (name, diff) pairs, the marks of the states that they start
    from, and what the API server refused.
    """

    diffs: tuple[tuple[str, str], ...] = ()
    marks: Mapping[str, str] | None = None
    refused: tuple[Sentence, ...] = ()
    rules: tuple[AccessRule, ...] = ()


def try_patches(cluster: Cluster, wanted: Iterable[tuple[Backed, bytes]]) -> Tried:
    """Try the first few on the server, without keeping them."""
    diffs, marks, refused = [], {}, []
    for each, pem in list(wanted)[:_MOST_TRIED]:
        try:
            change = try_bundle(cluster, row_of(cluster, each.name), pem)
        except PermissionDenied as error:
            return Tried(refused=(error.sentence,), rules=(MAY_PATCH,))
        except KubeError as error:
            refused.append(error.sentence)
            continue
        diffs.append((each.name, change.diff))
        marks[each.name] = change.seen
    return Tried(diffs=tuple(diffs), marks=marks, refused=tuple(refused))


def row_of(cluster: Cluster, name: str) -> WatchedAPIService:
    """The watched row, or one that is not kept where the watch has not seen it yet."""
    found = WatchedAPIService.objects.filter(cluster=cluster, name=name).first()
    return found or WatchedAPIService(cluster=cluster, name=name)


@dataclass(slots=True)
class Shown:
    """What the backends of the Services show, as far as it can be seen from here."""

    seen: list[Sentence]
    missing: list[Sentence]
    asks: list[Ask]


def look_at_backends(
    look: Look, exchange: Exchange, certificates: Mapping[str, Certificate]
) -> Shown:
    """Shake hands with each where the cluster's settings allow it; otherwise, and for every
    replica but the one that answered, a person is asked.
    """
    shown = Shown(seen=[], missing=[], asks=[])
    for place in exchange.by_place:
        each = next(one for one in exchange.services if one.place == place)
        wanted = look.rotation.cluster.shakes_hands or look.rotation.cluster.forwards_ports
        replicas = _shake(look, exchange, each, shown) if wanted else 0
        certificate = certificates.get(place)
        if replicas != 1 and certificate is not None:
            shown.asks.append(_ask(place, certificate, exchange))
    return shown


def _ask(place: str, certificate: Certificate, exchange: Exchange) -> Ask:
    text = _n(
        "Every replica behind %(place)s serves the new certificate, signed by %(issuer)s (serial "
        "%(serial)s)."
    )
    return Ask(
        key=f"serves:{place}",
        sentence=say(
            text, place=place, issuer=exchange.new.subject, serial=certificate.serial.lstrip("0")
        ),
    )


def _shake(look: Look, exchange: Exchange, each: Backed, shown: Shown) -> int:
    """Note what the first backend shows; return how many there are, 0 where none was reached."""
    reference = each.service.service
    assert reference is not None  # noqa: S101 - it is aggregated
    behind = Looker(client=look.client).service(reference.namespace, reference.name, slices=True)
    forwarded = look.rotation.cluster.forwards_ports
    probe = Probe(
        egress=egress_policy(),
        through=look.client if forwarded else None,
        ends_at=look.client.ends_at,
    )
    probed = probe_backend(probe, reference, behind)
    if not probed.chain:
        text = _n("No handshake with %(place)s came about from here: %(why)s")
        shown.seen.append(say(text, place=each.place, why=str(probed.trouble or "")))
        return 0
    values = {
        "place": each.place,
        "address": probed.address,
        "issuer": probed.chain[0].issuer,
        "serial": probed.chain[0].serial,
    }
    if _is_new(probed.chain, exchange.new):
        text = _n("%(place)s at %(address)s shows a certificate of %(issuer)s, serial %(serial)s.")
        shown.seen.append(say(text, **values))
        return len(pods_of(reference, behind) if forwarded else places_of(reference, behind))
    text = _n("%(place)s at %(address)s still shows a certificate of %(issuer)s (%(serial)s).")
    shown.missing.append(say(text, **values))
    return 1


def _is_new(chain: tuple[CertificateFacts, ...], new: CertificateFacts) -> bool:
    """Whether the new CA's own key signed what is shown, directly or through what comes with it."""
    authority = load_certificate(new)
    return any(is_issued_by(load_certificate(each), authority) for each in chain)
