"""Each serving certificate, found in a Secret or shown in a handshake, against what we issued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggportal.doctor.drift.certificates import judge_certificate, judge_missing
from aggportal.doctor.drift.ours import OurCertificate, Ours
from aggportal.doctor.drift.rows import Judged, Kind, Row, Stand, unknown
from aggportal.doctor.evidence import (
    Absent,
    Evidence,
    Known,
    Probed,
    ServiceEvidence,
    ServiceKey,
    ServingSecret,
    Unread,
)
from aggportal.doctor.findings import Deed, Remedy
from aggportal.doctor.secrets import mounted
from aggportal.doctor.told import certificates_told, say
from aggportal.kube.permissions import AccessRule
from aggportal.pki.facts import CertificateFacts
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

SECRET_RULE = AccessRule(verb="get", resource="secrets")
SECRET = say(_n("Secret that its pods mount"))
HANDSHAKE = say(_n("Certificate shown in the handshake"))
_SERVING = say(_n("Serving certificate"))
_OFF = say(
    _n("Secrets are not read: an administrator can let the portal do so in the cluster's settings.")
)
_WRITE = say(
    _n(
        "Put the certificate that we issued into the Secret; pods read it again by themselves, or "
        "at a restart."
    )
)
_LOAD = say(_n("Let the backend serve the certificate that we issued."))
_ISSUE = say(_n("Issue a serving certificate that names the Service, and let the backend load it."))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Backend:
    """One Service behind APIServices; `name` is the first of them."""

    key: ServiceKey
    name: str
    host: str

    @property
    def place(self) -> str:
        return "/".join(self.key)


def serving_rows(evidence: Evidence, ours: Ours) -> Iterator[Row]:
    """The rows of each Service: its Secrets and its handshake, or why there is neither."""
    backends: dict[ServiceKey, _Backend] = {}
    for each in evidence.aggregated:
        if each.service is not None:
            key = (each.service.namespace, each.service.name)
            host = each.service.tls_name.lower()
            backends.setdefault(key, _Backend(key=key, name=each.name, host=host))
    for backend in backends.values():
        shown = evidence.probes.get(backend.name)
        found = list(_secret_rows(evidence, backend, ours))
        if shown is not None:
            found.append(_probe_row(shown, backend, ours))
        yield from found or [_unseen(evidence.services.get(backend.key), backend, ours)]


def _secret_rows(evidence: Evidence, backend: _Backend, ours: Ours) -> Iterator[Row]:
    behind = evidence.services.get(backend.key)
    pods = behind.pods if behind is not None else None
    for name in mounted(pods.value) if isinstance(pods, Known) else ():
        namespace = backend.key[0]
        read = evidence.secrets.get((namespace, name))
        place = f"{namespace}/{name}"
        expected = ours.by_host.get(backend.host)
        match read:
            case Known(value=secret) if not (secret.chain or secret.odd):
                continue  # no tls.crt: it holds something else
            case Known(value=secret):
                judgement, live = _judge_secret(secret, backend, ours), secret.chain
            case Absent():
                gone = say(_n("There is no such Secret, though its pods mount it."))
                judgement, live = judge_missing(gone, expected), ()
            case Unread():
                judgement, live = unknown(read), ()
            case _:
                judgement, live = Judged(stand=Stand.UNKNOWN, said=(_OFF,)), ()
        row = _row(SECRET, place, judgement, backend=backend, ours=ours, live=live)
        yield row


def _judge_secret(secret: ServingSecret, backend: _Backend, ours: Ours) -> Judged:
    if secret.odd is not None:
        why = say(_n("tls.crt cannot be read: %(why)s"), why=secret.odd)
        return judge_missing(why, ours.by_host.get(backend.host))
    return judge_certificate(secret.chain[0], backend.host, ours, cas=secret.cas)


def _probe_row(shown: Probed, backend: _Backend, ours: Ours) -> Row:
    if shown.chain:
        judgement = judge_certificate(shown.chain[0], backend.host, ours, served=True)
    else:
        why = shown.trouble or say(_n("It showed no certificate."))
        judgement = unknown(say(_n("No handshake came about: %(why)s"), why=why))
    return _row(
        HANDSHAKE,
        shown.address or backend.place,
        judgement,
        backend=backend,
        ours=ours,
        live=shown.chain,
    )


def _unseen(behind: ServiceEvidence | None, backend: _Backend, ours: Ours) -> Row:
    """Nothing of the certificate is seen from here, and why."""
    pods = behind.pods if behind is not None else None
    service = behind.service if behind is not None else None
    why: Sentence | Unread
    if isinstance(service, Unread):
        why = service
    elif isinstance(pods, Unread) and pods.path:
        why = pods
    elif isinstance(pods, Known) and not pods.value:
        why = say(_n("No pod runs behind its Service, and no handshake was asked for."))
    elif isinstance(pods, Known):
        why = say(
            _n(
                "Its pods mount no Secret with a certificate, and no handshake was asked for; the "
                "cluster's settings can let the doctor shake hands."
            )
        )
    else:
        why = say(
            _n(
                "Its Service selects no pods that could be looked at, and no handshake was asked "
                "for; the cluster's settings can let the doctor shake hands."
            )
        )
    return _row(_SERVING, backend.place, unknown(why), backend=backend, ours=ours, live=())


def _row(
    what: Sentence,
    place: str,
    judgement: Judged,
    *,
    backend: _Backend,
    ours: Ours,
    live: tuple[CertificateFacts, ...],
) -> Row:
    expected = ours.by_host.get(backend.host) or _known(live, ours)
    differs = judgement.stand is Stand.DIFFERS
    return Row(
        kind=Kind.SERVING,
        stand=judgement.stand,
        what=what,
        place=place,
        ours=certificates_told((expected.certificate,)) if expected else (),
        live=certificates_told(live[:1]),
        said=judgement.said,
        rule=judgement.rule,
        remedy=_mend(what, expected) if differs else None,
        subject=backend.name,
        certificate=expected.key if expected and not expected.ended else "",
        secret=place if what is SECRET and differs else "",
    )


def _known(live: tuple[CertificateFacts, ...], ours: Ours) -> OurCertificate | None:
    return ours.by_digest.get(live[0].sha256) if live else None


def _mend(what: Sentence, expected: OurCertificate | None) -> Remedy:
    if expected is None or expected.ended:
        return Remedy(sentence=_ISSUE, deed=Deed.ISSUE_SERVING)
    return Remedy(sentence=_WRITE if what is SECRET else _LOAD)
