"""The steps of a serving CA's exchange: what each tells, and what proves it."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.urls import reverse

from aggportal.certs.models import Certificate
from aggportal.certs.services import files
from aggportal.clusters.forms.serving_rotations import DropForm, ServingCertificatesForm
from aggportal.clusters.models import Rotation, RotationStep
from aggportal.clusters.rotation.serving_deeds import certificates_of, hosts_of
from aggportal.clusters.rotation.serving_looks import (
    Backed,
    Exchange,
    judge_answers,
    look_at_backends,
    read_exchange,
    try_patches,
)
from aggportal.clusters.rotation.steps import Command, Instructions, Look, Offer, Proof, Way
from aggportal.doctor.told import say
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.web.actors import Actor
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

# Trusting both


def tell_overlap(rotation: Rotation, row: RotationStep) -> Instructions:
    """What is written, as it was tried on the server."""
    old, new = names_of(rotation)
    return Instructions(
        say=(
            say(
                _n(
                    "Every caBundle that trusts %(old)s is to trust %(new)s as well. Serving "
                    "certificates of both are accepted then, so that nothing depends on the moment "
                    "at which a backend takes its new one."
                ),
                old=old,
                new=new,
            ),
        ),
    )


def prove_overlap(look: Look) -> Proof:
    """Both stand in every caBundle, and requests are answered."""
    exchange = read_exchange(look.client, look.rotation)
    return _judge(look, exchange, exchange.has_both, exchange.with_both)


def _judge(
    look: Look,
    exchange: Exchange,
    is_right: Callable[[Backed], bool],
    wanted: Callable[[Backed], bytes],
) -> Proof:
    """Every caBundle `is_right` and requests are answered; else what `wanted` would change."""
    wrong = [each for each in exchange.services if not is_right(each)]
    answered, silent = judge_answers(look.client, exchange.services)
    tried = try_patches(look.rotation.cluster, [(each, wanted(each)) for each in wrong])
    return Proof(
        ok=not wrong and not silent,
        seen=(*(_bundle_told(e) for e in exchange.services if is_right(e)), *answered),
        missing=(*map(_bundle_told, wrong), *silent, *tried.refused),
        rules=tried.rules,
        facts={"diffs": [list(pair) for pair in tried.diffs], "marks": tried.marks or {}},
    )


def _bundle_told(each: Backed) -> Sentence:
    held = "; ".join(f"{ca.subject} ({ca.sha256[:8]}…)" for ca in each.bundle[:8])
    return say(_n("caBundle of %(name)s holds %(held)s."), name=each.name, held=held or "–")


# Serving the new


def tell_certificates(rotation: Rotation, row: RotationStep) -> Instructions:
    """The new certificates, to be installed from here or by hand."""
    issued = certificates_of(rotation)
    about = _n(
        "Each backend gets a certificate of %(new)s. Once it is issued, its Secret is written from "
        "here, after you have seen what would change, or you take the files. Servers on "
        "Kubernetes' library load changed files by themselves within a minute, a mounted Secret "
        "arrives within two; restart those that do not."
    )
    return Instructions(
        say=(say(about, new=names_of(rotation)[1]),),
        ways=tuple(_ways(rotation, issued)),
        offers=tuple(_offers(issued)),
        commands=tuple(_check(place, _port_of(rotation, place)) for place in issued),
        notes=(
            say(
                _n(
                    "While both CAs are trusted, an answer through kube-apiserver does not tell "
                    "which certificate was shown. Only a handshake with the backend does: allow it "
                    "in the cluster's settings, or look by hand."
                )
            ),
        ),
    )


def _ways(rotation: Rotation, issued: Mapping[str, Certificate]) -> Iterable[Way]:
    """The repair that writes the Secret, for the new certificate of each Service."""
    for place, certificate in issued.items():
        name = next(iter(rotation.facts["services"].get(place, ())), "")
        if name:
            page = reverse("clusters:secret_repair", args=[rotation.cluster.slug, name])
            label = say(_n("Write the Secret for %(place)s…"), place=place)
            yield Way(label=label, href=f"{page}?certificate={certificate.pk}")


def _port_of(rotation: Rotation, place: str) -> int:
    return int(rotation.facts.get("ports", {}).get(place, 443))


def _offers(issued: Mapping[str, Certificate]) -> Iterable[Offer]:
    for place, certificate in issued.items():
        namespace, _, name = place.partition("/")
        yield Offer(
            key=f"secret-{certificate.pk}",
            label=say(_n("Secret for %(place)s (YAML, with the key)"), place=place),
            filename=f"{certificate.file_base}-secret.yaml",
            make=partial(_secret, certificate, f"{name}-tls", namespace),
            secret=True,
        )
        yield Offer(
            key=f"files-{certificate.pk}",
            label=say(_n("Files for %(place)s (tar.gz, with the key)"), place=place),
            filename=f"{certificate.file_base}.tar.gz",
            make=partial(_archive, certificate),
            secret=True,
        )


def _secret(
    certificate: Certificate, name: str, namespace: str, by: Actor, now: dt.datetime
) -> bytes:
    return files.secret(certificate, name=name, namespace=namespace, by=by, now=now).encode()


def _archive(certificate: Certificate, by: Actor, now: dt.datetime) -> bytes:
    return files.bundle(certificate, by=by, now=now)


def _check(place: str, port: int) -> Command:
    """Names were said by the cluster, so each is one word of the shell."""
    namespace, _, name = place.partition("/")
    service, host = shlex.quote(f"service/{name}"), shlex.quote(hosts_of(place, frozenset())[0])
    lines = (
        f"kubectl --namespace {shlex.quote(namespace)} port-forward {service} 8443:{port} &\n"
        f"openssl s_client -connect 127.0.0.1:8443 -servername {host} "
        "</dev/null | openssl x509 -noout -issuer -serial"
    )
    return Command(title=say(_n("See what %(place)s serves"), place=place), lines=lines)


def certificates_form(rotation: Rotation, data: Mapping[str, Any] | None) -> forms.Form:
    assert rotation.new_authority is not None  # noqa: S101 - the kind begins with one
    return ServingCertificatesForm(
        data,
        authority=rotation.new_authority,
    )


def prove_certificates(look: Look) -> Proof:
    """A certificate for each Service, shown by its backend as far as that can be seen; both CAs
    still trusted, and requests answered.
    """
    exchange = read_exchange(look.client, look.rotation)
    issued = certificates_of(look.rotation)
    shown = look_at_backends(look, exchange, issued)
    answered, silent = judge_answers(look.client, exchange.services)
    lacking = [each for each in exchange.services if not exchange.has_both(each)]
    both = _n("%(name)s does not trust both CAs. Go back, and have both written there.")
    none = _n("There is no new certificate for %(place)s yet.")
    missing = (
        *(say(none, place=place) for place in exchange.by_place if place not in issued),
        *shown.missing,
        *(say(both, name=each.name) for each in lacking),
        *silent,
    )
    return Proof(
        ok=not missing,
        seen=(*shown.seen, *answered),
        missing=missing,
        asks=tuple(shown.asks),
    )


# Dropping the old


def tell_drop(rotation: Rotation, row: RotationStep) -> Instructions:
    """What is taken away, as it was tried on the server."""
    old, new = names_of(rotation)
    return Instructions(
        say=(
            say(
                _n(
                    "%(old)s leaves every caBundle. The portal takes one after the other and asks "
                    "for its discovery meanwhile: an answer with %(new)s alone proves that its "
                    "backend serves the new certificate. Where none comes, both are written back "
                    "at once."
                ),
                old=old,
                new=new,
            ),
        ),
    )


def drop_form(rotation: Rotation, data: Mapping[str, Any] | None) -> forms.Form:
    return DropForm(data, expected=rotation.facts["old"])


def prove_drop(look: Look) -> Proof:
    """No caBundle holds the old CA, and requests are answered with the new one alone."""
    exchange = read_exchange(look.client, look.rotation)
    return _judge(look, exchange, exchange.is_without_old, exchange.without_old)


def names_of(rotation: Rotation) -> tuple[str, str]:
    """The subjects of the CA that goes and of the one that comes."""
    assert rotation.new_authority is not None  # noqa: S101 - the kind begins with one
    old = read_certificates(rotation.old_pem)[0]
    return old.subject, read_certificate(rotation.new_authority.certificate_pem).subject


def all_issued(rotation: Rotation, row: RotationStep) -> bool:
    return set(rotation.facts["services"]) <= set(certificates_of(rotation))
