"""What a successor has that its predecessor has not, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggportal.pki.facts import CertificateFacts
from aggportal.pki.names import format_subject
from aggportal.pki.plans import CertificatePlan
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n


@dataclass(frozen=True, kw_only=True, slots=True)
class RenewalDifference:
    """One line. `removed` and `added` are literal; both empty means that it stays as it is.

    `key` is stable: subject, issuer, names, valid, key, profile, key-usages, extended-usages.
    """

    key: str
    label: Sentence
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    note: Sentence | None = None

    @property
    def differs(self) -> bool:
        return bool(self.removed or self.added)


def renewal_differences(
    before: CertificateFacts, plan: CertificatePlan, *, before_profile: str, same_key: bool
) -> tuple[RenewalDifference, ...]:
    """Compare a certificate with the plan of its successor, in the order in which a person asks."""
    names = tuple(f"{san.kind} {san.value}" for san in plan.sans)
    old_names = tuple(f"{kind} {value}" for kind, value in before.sans)
    return (
        _line("names", _n("Names"), old_names, names),
        _dates(before, plan),
        _key(before, plan, same_key=same_key),
        _line("subject", _n("Subject"), (before.subject,), (format_subject(plan.subject),)),
        _line("issuer", _n("Issuer"), (before.issuer,), (format_subject(plan.issuer),)),
        _line("profile", _n("Profile"), _some(before_profile), _some(plan.profile)),
        _line("key-usages", _n("Key usages"), before.key_usages, plan.key_usages),
        _line(
            "extended-usages",
            _n("Extended key usages"),
            before.extended_usages,
            plan.extended_key_usages,
        ),
    )


def _line(key: str, label: str, before: Sequence[str], after: Sequence[str]) -> RenewalDifference:
    return RenewalDifference(
        key=key,
        label=Sentence(text=label),
        kept=tuple(value for value in before if value in after),
        removed=tuple(value for value in before if value not in after),
        added=tuple(value for value in after if value not in before),
    )


def _dates(before: CertificateFacts, plan: CertificatePlan) -> RenewalDifference:
    note = None
    if plan.validity.not_after <= before.not_after:
        note = Sentence(text=_n("The successor would end no later than the certificate itself."))
    return RenewalDifference(
        key="valid",
        label=Sentence(text=_n("Ends")),
        removed=(f"{before.not_after:%Y-%m-%d %H:%M} UTC",),
        added=(f"{plan.validity.not_after:%Y-%m-%d %H:%M} UTC",),
        note=note,
    )


def _key(before: CertificateFacts, plan: CertificatePlan, *, same_key: bool) -> RenewalDifference:
    label = Sentence(text=_n("Key"))
    if same_key:
        note = Sentence(
            text=_n("The same key: whoever got hold of it can go on with the new certificate.")
        )
        return RenewalDifference(key="key", label=label, kept=(before.key,), note=note)
    note = Sentence(text=_n("A new key: whoever uses it needs certificate and key together."))
    return RenewalDifference(
        key="key", label=label, removed=(before.key,), added=(plan.key,), note=note
    )


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
