"""What of the things that were brought could become what: shown first, imported when somebody says
so.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from aggportal.certs.models import Authority, Certificate
from aggportal.certs.services.lineage import Lineage
from aggportal.pki.config import parse_config
from aggportal.pki.errors import NotAnAuthority, PkiError
from aggportal.pki.existing import require_signing_authority
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.gathering import FoundCertificate, FoundKey, Gathered, LeftOut
from aggportal.pki.layouts import Place, place_of
from aggportal.words import RefusedError, Sentence, gettext_noop

MAX_SHOWN = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundConfig:
    """A readable ca-config.json that lay beside the certificates."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityCandidate:
    """A certificate with its key that could become an authority; `refused` says why it cannot."""

    number: int
    found: FoundCertificate
    key: FoundKey = field(repr=False)
    place: Place
    parent: str = ""
    chain: tuple[CertificateFacts, ...] = ()
    is_expired: bool = False
    knows: tuple[Sentence, ...] = ()
    refused: RefusedError | None = None

    @property
    def facts(self) -> CertificateFacts:
        return self.found.facts


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateCandidate:
    """A certificate that could be watched. `signer` is who signed it, where that is known here or
    among what came with it.
    """

    number: int
    found: FoundCertificate
    key: FoundKey | None = field(default=None, repr=False)
    signer: str = ""
    advised: bool = True
    refused: Sentence | None = None

    @property
    def facts(self) -> CertificateFacts:
        return self.found.facts


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportPlan:
    """Everything that was found, each thing in one place."""

    authorities: tuple[AuthorityCandidate, ...] = ()
    certificates: tuple[CertificateCandidate, ...] = ()
    configs: tuple[FoundConfig, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def first_refusal(self) -> RefusedError | None:
        """Why no authority can be imported; None when one can."""
        if any(candidate.refused is None for candidate in self.authorities):
            return None
        return next((c.refused for c in self.authorities if c.refused), None)


def plan_import(found: Gathered, *, now: dt.datetime) -> ImportPlan:
    """Say what each thing could become. Nothing is stored."""
    lineage = Lineage(c.facts for c in found.certificates)
    configs, no_configs = _configs(found)
    serves_too = any(_serves_too(config) for config in configs)
    authorities: list[AuthorityCandidate] = []
    others: list[FoundCertificate] = []
    for one in found.certificates:
        key = found.key_of(one.facts)
        if key is not None and one.facts.is_ca:
            authorities.append(_authority(len(authorities), one, key, lineage, serves_too, now))
        else:
            others.append(one)
    signers = {candidate.facts.sha256: candidate for candidate in authorities}
    certificates = tuple(
        _certificate(number, one, found, lineage, signers)
        for number, one in enumerate(others[:MAX_SHOWN])
    )
    return ImportPlan(
        authorities=tuple(authorities[:MAX_SHOWN]),
        certificates=certificates,
        configs=configs,
        left_out=(*found.left_out, *no_configs, *_unpaired(found), *_too_many(others)),
    )


def _authority(
    number: int,
    found: FoundCertificate,
    key: FoundKey,
    lineage: Lineage,
    serves_too: bool,
    now: dt.datetime,
) -> AuthorityCandidate:
    facts = found.facts
    parent, chain = lineage.chain_of(facts)
    sources = (*found.sources, key.source)
    place = place_of(sources, common_name=facts.common_name, serves_too=serves_too)
    refused: RefusedError | None = None
    try:
        require_signing_authority(facts)
        require_new_authority(facts)
        require_known_issuer(facts, parent=parent, chain=chain)
    except RefusedError as error:
        refused = error
    return AuthorityCandidate(
        number=number,
        found=found,
        key=key,
        place=place,
        parent=parent.label if parent else "",
        chain=chain,
        is_expired=facts.not_after < now,
        knows=tuple(_knowings(facts, chain)),
        refused=refused,
    )


def require_new_authority(facts: CertificateFacts) -> None:
    """Refuse the key of an authority that is here already (`NotAnAuthority`)."""
    known = Authority.objects.filter(spki_sha256=facts.spki_sha256).first()
    if known is not None:
        raise NotAnAuthority(
            gettext_noop(
                "The key of “%(name)s” is that of the authority “%(label)s”, which is here "
                "already. One key in two authorities would let one purpose act as the other."
            ),
            field="key",
            name=facts.common_name or facts.subject,
            label=known.label,
        )


def require_known_issuer(
    facts: CertificateFacts, *, parent: Authority | None, chain: tuple[CertificateFacts, ...]
) -> None:
    """Refuse an intermediate whose issuer nobody gave: without it no chain could be handed out."""
    if not facts.self_signed and parent is None and not chain:
        raise NotAnAuthority(
            gettext_noop(
                "“%(name)s” was signed by “%(issuer)s”, whose certificate is missing. Give it too, "
                "and what is above it up to the root; their keys are not needed."
            ),
            field="certificate",
            name=facts.common_name or facts.subject,
            issuer=facts.issuer,
        )


def _knowings(facts: CertificateFacts, chain: tuple[CertificateFacts, ...]) -> list[Sentence]:
    known = []
    if chain and not chain[-1].self_signed:
        text = gettext_noop(
            "The chain ends at “%(name)s”, which is no root. Whoever trusts the root alone needs "
            "the certificates between too."
        )
        known.append(Sentence(text=text, params={"name": chain[-1].subject}))
    if facts.key_usages and "crl sign" not in facts.key_usages:
        text = gettext_noop(
            "Its key usage leaves “crl sign” out: it cannot publish what it revoked."
        )
        known.append(Sentence(text=text))
    if not facts.ski:
        text = gettext_noop("It has no key identifier; one is computed for what it signs.")
        known.append(Sentence(text=text))
    return known


def _certificate(
    number: int,
    found: FoundCertificate,
    everything: Gathered,
    lineage: Lineage,
    signers: dict[str, AuthorityCandidate],
) -> CertificateCandidate:
    facts = found.facts
    parent, chain = lineage.chain_of(facts)
    own = signers.get(chain[0].sha256) if chain else None
    signer = parent.label if parent else (own.facts.common_name if own else "")
    advised = own.place.advised if own else not (signers or facts.is_ca)
    return CertificateCandidate(
        number=number,
        found=found,
        key=None if facts.is_ca else everything.key_of(facts),
        signer=signer,
        advised=bool(parent) or advised,
        refused=_known(facts),
    )


def _known(facts: CertificateFacts) -> Sentence | None:
    if Certificate.objects.filter(fingerprint_sha256=facts.sha256).exists():
        return Sentence(text=gettext_noop("It is here already."))
    if Authority.objects.filter(fingerprint_sha256=facts.sha256).exists():
        text = gettext_noop("It is the certificate of an authority here, and watched as such.")
        return Sentence(text=text)
    return None


def _unpaired(found: Gathered) -> tuple[LeftOut, ...]:
    text = gettext_noop(
        "A private key (%(key)s) without a certificate among these: it belongs to none of them."
    )
    return tuple(
        LeftOut(source=key.source, sentence=Sentence(text=text, params={"key": _kind(key)}))
        for key in found.strangers
    )


def _too_many(others: list[FoundCertificate]) -> tuple[LeftOut, ...]:
    if len(others) <= MAX_SHOWN:
        return ()
    text = gettext_noop(
        "%(count)d further certificates: only the first %(limit)d are shown here. Bring them by "
        "“Import certificates”."
    )
    params = {"count": len(others) - MAX_SHOWN, "limit": MAX_SHOWN}
    return (LeftOut(source="", sentence=Sentence(text=text, params=params)),)


def _kind(key: FoundKey) -> str:
    return type(key.key).__name__.removesuffix("PrivateKey").lstrip("_")


def _configs(found: Gathered) -> tuple[tuple[FoundConfig, ...], tuple[LeftOut, ...]]:
    """Tell which JSON documents are a CA config; a CSR JSON has no "signing"."""
    configs, others = [], []
    for document in found.documents:
        try:
            parse_config(document.text)
        except PkiError as refused:
            is_config = '"signing"' in document.text
            text = gettext_noop("JSON that is no ca-config.json: not needed here.")
            sentence = refused.sentence if is_config else Sentence(text=text)
            others.append(LeftOut(source=document.source, sentence=sentence))
        else:
            configs.append(FoundConfig(text=document.text, source=document.source))
    return tuple(configs), tuple(others)


def _serves_too(config: FoundConfig) -> bool:
    signing = parse_config(config.text)
    usages = {usage for p in (signing.default, *signing.profiles) for usage in p.usages}
    return {"server auth", "client auth"} <= usages
