"""The choices of an import: one form for each thing that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from aggportal.certs.forms.import_choices import AuthorityChoicesForm, CertificateChoicesForm
from aggportal.certs.models import Lane, Mode
from aggportal.certs.services.authority_names import free_slug
from aggportal.certs.services.authority_rows import AuthorityChoices
from aggportal.certs.services.importing_authorities import (
    AuthorityToImport,
    CertificateToImport,
    ItemRefused,
)
from aggportal.certs.services.importing_plans import (
    AuthorityCandidate,
    CertificateCandidate,
    ImportPlan,
)
from aggportal.web.sentences import words


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityChoice:
    """One authority that was found, and its form; `form` is None where it cannot be imported."""

    candidate: AuthorityCandidate
    form: AuthorityChoicesForm | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateChoice:
    """One certificate that was found, and its form; `form` is None where it is here already."""

    candidate: CertificateCandidate
    form: CertificateChoicesForm | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """Everything that was found with its forms."""

    of_authorities: tuple[AuthorityChoice, ...]
    of_certificates: tuple[CertificateChoice, ...]

    @classmethod
    def of(cls, plan: ImportPlan, posted: QueryDict | None) -> Choices:
        """Make the forms: suggested, or as they were sent."""
        configs = [(config.source or "ca-config.json", config.text) for config in plan.configs]
        slugs: set[str] = set()
        return cls(
            of_authorities=tuple(
                AuthorityChoice(
                    candidate=one,
                    form=None if one.refused else _authority_form(one, configs, slugs, posted),
                )
                for one in plan.authorities
            ),
            of_certificates=tuple(
                CertificateChoice(
                    candidate=one, form=None if one.refused else _certificate_form(one, posted)
                )
                for one in plan.certificates
            ),
        )

    def are_valid(self) -> bool:
        """Tell whether everything that is ticked is right, and something is."""
        forms = [choice.form for choice in self.of_authorities if choice.form is not None]
        others = [choice.form for choice in self.of_certificates if choice.form is not None]
        are_right = [form.is_valid() for form in (*forms, *others)]
        if not all(are_right):
            return False
        taken = [form for form in forms if form.is_taken]
        if not taken and not any(form.is_taken for form in others) and forms:
            forms[0].add_error("take", _("Nothing is ticked, so there is nothing to import."))
            return False
        return not _have_one_slug(taken)

    def authorities(self) -> list[AuthorityToImport]:
        """What valid forms say of the authorities that are ticked."""
        return [
            _authority_to_import(choice.candidate, choice.form)
            for choice in self.of_authorities
            if choice.form is not None and choice.form.is_taken
        ]

    def certificates(self) -> list[CertificateToImport]:
        """What valid forms say of the certificates that are ticked."""
        return [
            _certificate_to_import(choice.candidate, choice.form)
            for choice in self.of_certificates
            if choice.form is not None and choice.form.is_taken
        ]

    def refuse(self, refused: ItemRefused) -> None:
        """Put what the core said beside the field of the thing that it said it of."""
        of = self.of_authorities if refused.kind == "authority" else self.of_certificates
        form = next(c.form for c in of if c.candidate.number == refused.number)
        if form is not None:
            for problem in getattr(refused.refused, "problems", (refused.refused,)):
                field = problem.field if problem.field in form.fields else "take"
                form.add_error(field, words(problem.sentence))


def _have_one_slug(taken: Sequence[AuthorityChoicesForm]) -> bool:
    slugs = [form.cleaned_data["slug"] for form in taken]
    for form, slug in zip(taken, slugs, strict=True):
        if slugs.count(slug) > 1:
            form.add_error("slug", _("Two of these have the same short name."))
            return True
    return False


def _authority_form(
    one: AuthorityCandidate,
    configs: Sequence[tuple[str, str]],
    slugs: set[str],
    posted: QueryDict | None,
) -> AuthorityChoicesForm:
    prefix = f"a{one.number}"
    if posted is not None:
        return AuthorityChoicesForm(posted, prefix=prefix, configs=configs)
    label = (one.facts.common_name or one.place.base)[:80]
    slug = free_slug(label)
    while slug in slugs:
        slug = f"{slug[:50]}-{one.number + 1}"
    slugs.add(slug)
    initial: Mapping[str, object] = {
        "take": one.place.advised and not one.is_expired,
        "label": label,
        "slug": slug,
        "lane": one.place.lane,
        "start": "came-0" if configs else "recommended",
        "file_base": one.place.base,
        "mode": Mode.STRICT,
    }
    return AuthorityChoicesForm(initial=initial, prefix=prefix, configs=configs)


def _certificate_form(
    one: CertificateCandidate, posted: QueryDict | None
) -> CertificateChoicesForm:
    has_key = one.key is not None
    prefix = f"c{one.number}"
    if posted is not None:
        return CertificateChoicesForm(posted, prefix=prefix, has_key=has_key)
    initial = {"take": one.advised, "key": "yes" if one.advised else "no"}
    return CertificateChoicesForm(initial=initial, prefix=prefix, has_key=has_key)


def _authority_to_import(one: AuthorityCandidate, form: AuthorityChoicesForm) -> AuthorityToImport:
    values = form.cleaned_data
    choices = AuthorityChoices(
        label=values["label"],
        slug=values["slug"],
        lane=Lane(values["lane"]),
        mode=Mode(values["mode"]),
        file_base=values["file_base"],
        signing_config=values["signing_config"],
    )
    return AuthorityToImport(
        number=one.number,
        facts=one.facts,
        key=one.key.key,
        choices=choices,
        allowed_names=values["allowed_names"],
        override_reason=values["override_reason"],
    )


def _certificate_to_import(
    one: CertificateCandidate, form: CertificateChoicesForm
) -> CertificateToImport:
    keeps = one.key is not None and form.keeps_key
    return CertificateToImport(
        number=one.number,
        facts=one.facts,
        sources=one.found.sources,
        key=one.key.key if one.key is not None and keeps else None,
        exportable=form.exportable,
    )
