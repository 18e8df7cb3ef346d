"""What a CSR of ours asks for, in words: another CA decides what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

from aggportal.pki.cautions import Caution, know
from aggportal.pki.errors import PkiError
from aggportal.pki.explaining import KIND_NAMES, Explanation, Row, explain_problems
from aggportal.pki.hosts import classify_hosts
from aggportal.pki.names import build_request_subject, format_subject
from aggportal.pki.specs import RequestSpec
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_UNKNOWN = 10


def explain_asking(spec: RequestSpec, *, compat: bool = False) -> Explanation:
    """Explain the CSR that would be made of `spec`."""
    try:
        rows = tuple(_rows(spec, compat=compat))
    except PkiError as refused:
        return Explanation(warnings=explain_problems(refused))
    return Explanation(rows=rows, warnings=tuple(_cautions(spec)))


def _rows(spec: RequestSpec, *, compat: bool) -> Iterator[Row]:
    subject = format_subject(build_request_subject(spec))
    yield Row(key="subject", label=_say(_n("Subject")), values=(subject,) if subject else ())
    yield Row(
        key="issuer", label=_say(_n("Issuer")), notes=(_say(_n("whoever signs it elsewhere")),)
    )
    if spec.ca is None:
        sans = classify_hosts(spec.hosts, compat=compat)
        values = tuple(f"{KIND_NAMES[san.kind]} {san.value}" for san in sans)
        yield Row(
            key="names",
            label=_say(_n("Names")),
            values=values,
            notes=() if values else (_say(_n("none")),),
        )
    yield Row(key="key", label=_say(_n("Key")), values=(str(spec.key),))
    if spec.ca is not None:
        limits = (*spec.ca.name_constraints.permitted, *spec.ca.name_constraints.excluded)
        yield Row(
            key="ca",
            label=_say(_n("CA")),
            values=tuple(map(str, limits)),
            notes=(
                _say(
                    _n("asks for CA:TRUE; life, path length and limits are the other CA's to set")
                ),
            ),
        )


def _cautions(spec: RequestSpec) -> Iterator[Caution]:
    for path in spec.unknown[:MAX_UNKNOWN]:
        yield know(
            "unknown-key",
            path,
            _n(
                "“%(path)s” means nothing to cfssl, which ignores it without a word, and so do "
                "we. Correct the spelling, or take it out."
            ),
            path=path,
        )
    if spec.ca is not None and spec.ca.expiry:
        yield know(
            "asked-expiry",
            "ca.expiry",
            _n("A CSR cannot ask for a life: ca.expiry says nothing to the CA that signs."),
        )


def _say(text: str) -> Sentence:
    return Sentence(text=text)
