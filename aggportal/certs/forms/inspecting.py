"""What is to be inspected: pasted, or as files; and the passphrase that opens it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.several_files import SeveralFilesField
from aggportal.pki.inspecting import MAX_FILES, MAX_INPUT_BYTES, Given
from aggportal.web.forms import ForgetfulTextarea, PortalForm


class InspectForm(PortalForm):
    """Something to look at. A page never shows again what was sent."""

    upload = SeveralFilesField(
        label=_l("Files"),
        required=False,
        most=MAX_FILES,
        largest=MAX_INPUT_BYTES,
        error_messages={
            "too_large": _l(
                "A file of %(size)d bytes is too large; at most %(limit)d are looked at."
            )
        },
        help_text=_l("PEM or DER; several at once tell whether they belong together."),
    )
    text = forms.CharField(
        label=_l("Or paste text"),
        required=False,
        strip=False,
        max_length=MAX_INPUT_BYTES,
        widget=ForgetfulTextarea(
            attrs={
                "rows": 8,
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "placeholder": "-----BEGIN CERTIFICATE-----",
            }
        ),
        help_text=_l("PEM, or base64 alone as in a Secret or in caBundle."),
    )
    passphrase = forms.CharField(
        label=_l("Passphrase"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_l("Only for PKCS#12 and encrypted keys."),
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if not self.errors and not values.get("upload") and not values.get("text", "").strip():
            self.add_error("text", _("There is nothing to look at. Choose a file, or paste text."))
        return values

    def given(self) -> tuple[Given, ...]:
        """What a valid form holds."""
        files = self.cleaned_data["upload"]
        found = [Given(data=file.read(), name=file.name or "") for file in files]
        text = self.cleaned_data["text"]
        if text.strip():
            found.append(Given(data=text.strip().encode("utf-8", "replace")))
        return tuple(found)
