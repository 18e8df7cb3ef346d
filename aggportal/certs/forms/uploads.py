"""A certificate that is pasted or uploaded, alone or with its chain."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.armour import MAX_INPUT_BYTES
from aggportal.web.forms import PortalForm

ACCEPTED = ".pem,.crt,.cer,.der,.p7b,.p7c,.p7s,application/pkcs7-mime,application/pkix-cert"


class CertificatesForm(PortalForm):
    """Text or file; one of the two. The core reads it."""

    text = forms.CharField(
        label=_l("Certificates"),
        required=False,
        strip=False,
        max_length=MAX_INPUT_BYTES,
        widget=forms.Textarea(
            attrs={
                "rows": 8,
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "data-drop": "",
                "placeholder": "-----BEGIN CERTIFICATE-----",
            }
        ),
        help_text=_l("Paste PEM, with the chain if it came along, or drop the file here."),
    )
    file = forms.FileField(
        label=_l("Or a file: PEM, DER or PKCS#7"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        text, upload = values.get("text", "").strip(), values.get("file")
        if "text" in self.errors or "file" in self.errors:
            return values
        if text and upload:
            self.add_error("text", _("There is a text and a file. Give one of the two."))
        elif not text and not upload:
            self.add_error("text", _("Paste a certificate, or choose its file."))
        elif upload and upload.size > MAX_INPUT_BYTES:
            self.add_error(
                "file",
                _("A file of %(size)d bytes is too large; at most %(limit)d are read.")
                % {"size": upload.size, "limit": MAX_INPUT_BYTES},
            )
        return values

    def content(self) -> bytes:
        """What a valid form holds."""
        upload = self.cleaned_data["file"]
        if upload:
            content: bytes = upload.read()
            return content
        text: str = self.cleaned_data["text"]
        return text.strip().encode("utf-8", "replace")
