"""Who is to sign an authority as well."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.forms.uploads import CertificatesForm
from aggportal.certs.models import Authority
from aggportal.pki.errors import PkiError
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words


class CrossSignForm(PortalForm):
    """Another authority of ours, and until when."""

    by = forms.ChoiceField(
        label=_l("Signed by"),
        error_messages={
            "required": _l("Choose the authority that signs it as well."),
            "invalid_choice": _l("There is no such authority any more. Choose another."),
        },
    )
    expiry = forms.CharField(
        label=_l("Lives for"),
        required=False,
        max_length=40,
        help_text=_l(
            "Hours, minutes, seconds; 8760h is a year. It ends with either at the latest."
        ),
    )
    override_reason = override_reason_field()

    def __init__(self, *args: Any, authority: Authority, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Authority.objects.filter(retired_at=None).exclude(pk=authority.pk)
        self.fields["by"].choices = list(rows.values_list("slug", "label"))  # type: ignore[attr-defined]  # ChoiceField's

    @property
    def has_choice(self) -> bool:
        """Tell whether there is another authority at all."""
        return bool(self.fields["by"].choices)  # type: ignore[attr-defined]  # ChoiceField's

    def chosen(self) -> Authority:
        """The authority of a valid form."""
        rows = Authority.objects.select_related("key", "parent", "issued_as")
        return rows.get(slug=self.cleaned_data["by"])

    def add_problem(self, problem: PkiError) -> None:
        """Put a refusal beside what it is about."""
        about = problem.field if problem.field in self.fields else "by"
        self.add_error(about, words(problem.sentence))


class CrossAnswerForm(CertificatesForm):
    """The certificate that an outside CA made for the authority's key."""

    def add_problem(self, problem: PkiError) -> None:
        """Put a refusal beside the certificate."""
        self.add_error("text", words(problem.sentence))
