"""Answering OCSP questions about the certificates of one authority."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from django.db import DatabaseError, transaction

from aggportal.certs.models import Authority, Certificate, OcspAnswer
from aggportal.certs.services.crls import revocation_of
from aggportal.certs.services.responders import open_responder, responder_of
from aggportal.pki.ocsp import (
    Answer,
    MalformedQuestion,
    Question,
    asks_about,
    later_answer,
    malformed_answer,
    parse_question,
    sign_answer,
    unauthorized_answer,
)
from aggportal.words import RefusedError

log = logging.getLogger("aggportal.ocsp")

# How long an answer counts. Short: a client that keeps one learns of a revocation no sooner.
LIFE = dt.timedelta(hours=4)
LIFE_UNKNOWN = dt.timedelta(minutes=5)
# An answer that was kept is given out until this much of its life is left.
_LEFT = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What goes back: DER, and from when until when it counts; None for what nobody may keep."""

    der: bytes
    this_update: dt.datetime | None = None
    next_update: dt.datetime | None = None


def reply_to(authority: Authority, der: bytes, *, now: dt.datetime) -> Reply:
    """Answer one question. Whatever is wrong with it is said in the protocol's own words."""
    try:
        question = parse_question(der)
    except MalformedQuestion:
        return Reply(der=malformed_answer())
    if authority.not_after < now or not asks_about(question, _loaded(authority.certificate_pem)):
        return Reply(der=unauthorized_answer())
    try:
        return (_kept(authority, question, now=now)) or _signed(authority, question, now=now)
    except RefusedError as refused:
        log.warning("No OCSP answer for %s: %s", authority.slug, refused)
        return Reply(der=later_answer())


def drop_old_answers(*, now: dt.datetime) -> None:
    """Delete the answers that count no longer."""
    OcspAnswer.objects.filter(next_update__lt=now).delete()


def _kept(authority: Authority, question: Question, *, now: dt.datetime) -> Reply | None:
    if question.nonce is not None:
        return None
    kept = OcspAnswer.objects.filter(
        authority=authority, request_hash=question.digest, next_update__gt=now + _LEFT
    ).first()
    if kept is None:
        return None
    return Reply(der=bytes(kept.der), this_update=kept.this_update, next_update=kept.next_update)


def _signed(authority: Authority, question: Question, *, now: dt.datetime) -> Reply:
    responder = responder_of(authority, now=now)
    certificate = Certificate.objects.filter(
        authority=authority, serial=f"{question.serial:040x}"
    ).first()
    answer = Answer(
        known=certificate is not None,
        this_update=now,
        # An answer does not outlive the certificate that signs it.
        next_update=min(now + (LIFE if certificate else LIFE_UNKNOWN), responder.not_after),
        revocation=revocation_of(certificate) if certificate else None,
    )
    signer, key = open_responder(responder)
    der = sign_answer(question, answer, responder=signer, responder_key=key)
    if question.nonce is not None:
        return Reply(der=der)
    if certificate is not None:
        _keep(certificate, question, answer, der)
    return Reply(der=der, this_update=answer.this_update, next_update=answer.next_update)


def _keep(certificate: Certificate, question: Question, answer: Answer, der: bytes) -> None:
    """Keep an answer, unless the certificate was revoked or released since it was looked at.

    Its row is locked, so that a revocation comes either before, and is seen, or after, and deletes
    the answer. What cannot be kept is signed anew next time.
    """
    try:
        with transaction.atomic():
            rows = Certificate.objects.select_for_update(no_key=True)
            present = rows.get(pk=certificate.pk)
            if revocation_of(present) != answer.revocation:
                return
            OcspAnswer.objects.update_or_create(
                authority=present.authority,
                request_hash=question.digest,
                defaults={
                    "serial": certificate.serial,
                    "der": der,
                    "this_update": answer.this_update,
                    "next_update": answer.next_update,
                },
            )
    except DatabaseError as error:
        log.warning("An OCSP answer was not kept: %s", error)


@lru_cache(maxsize=128)
def _loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())
