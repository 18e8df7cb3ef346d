"""Renewing an authority: how long, and that the person means this one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.config_editor import uploaded_text
from aggportal.certs.models import Authority, Mode
from aggportal.pki.durations import parse_positive_duration
from aggportal.pki.errors import PkiError
from aggportal.web.forms import TypedForm
from aggportal.web.sentences import words


class ConfirmAuthorityForm(TypedForm):
    """Type the authority's label."""

    asks = _l("Type the label to confirm")
    wrong = _l("This is not its label, so nothing was done. Type it exactly as shown.")

    def __init__(self, *args: Any, authority: Authority, **kwargs: Any) -> None:
        super().__init__(*args, expected=authority.label, **kwargs)
        self.authority = authority
        required = _l("Type the label, exactly as shown.")
        self.fields["confirm"].error_messages["required"] = required


class RenewAuthorityForm(ConfirmAuthorityForm):
    """`seen` is the fingerprint of the certificate that the page showed; `life` None is as long as
    before.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    expiry = forms.CharField(
        label=_l("Lives for"),
        required=False,
        max_length=64,
        help_text=_l("Hours, minutes, seconds; 87600h is 3650 days. Empty is as long as before."),
    )

    def __init__(self, *args: Any, authority: Authority, **kwargs: Any) -> None:
        super().__init__(*args, authority=authority, **kwargs)
        self.fields["seen"].initial = authority.fingerprint_sha256
        if authority.mode == Mode.COMPAT and authority.is_root:
            del self.fields["expiry"]

    @property
    def life(self) -> dt.timedelta | None:
        typed = self.cleaned_data.get("expiry", "")
        return parse_positive_duration(typed) if typed else None

    def clean_expiry(self) -> str:
        typed = str(self.cleaned_data["expiry"]).strip()
        try:
            parse_positive_duration(typed or "1h", field="expiry")
        except PkiError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused
        return typed


class AnswerForm(ConfirmAuthorityForm):
    """The certificate that came back from the outside CA."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    certificate = forms.CharField(
        label=_l("The certificate that came back"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "mono", "spellcheck": "false", "data-drop": True}
        ),
        help_text=_l(
            "PEM; the certificates above it may follow. It is matched by its public key, and must "
            "have the same subject and key identifier."
        ),
    )
    file = forms.FileField(
        label=_l("or choose the file"),
        required=False,
        widget=forms.FileInput(
            attrs={"accept": ".pem,.crt,.cer", "data-file-into": "id_certificate"}
        ),
    )

    def __init__(self, *args: Any, authority: Authority, **kwargs: Any) -> None:
        super().__init__(*args, authority=authority, **kwargs)
        self.fields["seen"].initial = authority.fingerprint_sha256

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        text = uploaded_text(values.get("file")) or values.get("certificate", "")
        if not text.strip():
            self.add_error("certificate", _("Paste the certificate, or choose its file."))
        values["text"] = text
        return values
