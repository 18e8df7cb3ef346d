"""Making a key and a CSR, and the name that is typed to drop one."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.naming import safe_base_name
from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.forms.uploads import CertificatesForm
from aggportal.pki.errors import PkiError
from aggportal.web.forms import PortalForm, TypedForm
from aggportal.web.sentences import words


class OwnRequestForm(PortalForm):
    """What goes with the CSR."""

    file_base = forms.CharField(
        label=_l("File name"),
        required=False,
        max_length=100,
        help_text=_l(
            "The files are called after it, as cfssljson -bare does: aggregator gives "
            "aggregator.csr and aggregator-key.pem. Empty is the CN."
        ),
    )
    key_stays = forms.BooleanField(
        label=_l("The private key never leaves the portal"),
        required=False,
        help_text=_l(
            "Nobody can take it, in no form, and that is not undone: only for a key that the "
            "portal alone uses. A server that is to serve with it needs it."
        ),
    )

    def clean_file_base(self) -> str:
        return safe_base_name(self.cleaned_data["file_base"])


class AnswerForm(CertificatesForm):
    """The certificate that came back."""

    override_reason = override_reason_field()

    def add_problem(self, problem: PkiError) -> None:
        """Put a refusal beside what it is about."""
        about = "override_reason" if problem.field == "override_reason" else "text"
        self.add_error(about, words(problem.sentence))


class DropForm(TypedForm):
    """Type the name of the request that is to be dropped with its key."""
