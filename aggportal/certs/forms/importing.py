"""What is brought from elsewhere: files, pasted text, and the passphrase that opens it.

A page never shows again what was sent: among it are private keys.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.several_files import SeveralFilesField
from aggportal.pki.inspecting import Given
from aggportal.web.forms import ForgetfulTextarea, PortalForm

MAX_FILES = 60
MAX_FILE_BYTES = 900_000
MAX_TEXT = 512 * 1024
MAX_CERTDB_BYTES = 60_000_000
_PASTE = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}


class _Bringing(PortalForm):
    """Files, a certificate, a key, and the passphrase."""

    upload = SeveralFilesField(
        label=_l("Files"),
        required=False,
        most=MAX_FILES,
        largest=MAX_FILE_BYTES,
        error_messages={
            "too_many": _l(
                "These are %(count)d files; give at most %(limit)d at once, or an archive."
            )
        },
    )
    certificate = forms.CharField(
        label=_l("Or paste the certificate, with its chain"),
        required=False,
        strip=False,
        max_length=MAX_TEXT,
        widget=ForgetfulTextarea(
            attrs={**_PASTE, "rows": 6, "placeholder": "-----BEGIN CERTIFICATE-----"}
        ),
    )
    key = forms.CharField(
        label=_l("and its private key"),
        required=False,
        strip=False,
        max_length=64 * 1024,
        widget=ForgetfulTextarea(
            attrs={**_PASTE, "rows": 5, "placeholder": "-----BEGIN PRIVATE KEY-----"}
        ),
    )
    passphrase = forms.CharField(
        label=_l("Passphrase"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_l("Only where a key or a PKCS#12 file is encrypted. It is not kept."),
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if not self.errors and not any(
            (values.get("upload"), *(values.get(n, "").strip() for n in ("certificate", "key")))
        ):
            self.add_error("upload", _("There is nothing in it. Choose files, or paste text."))
        return values

    def given(self) -> tuple[Given, ...]:
        """What a valid form holds; pasted text has no name."""
        files = self.cleaned_data["upload"]
        found = [Given(data=file.read(), name=file.name or "") for file in files]
        pasted = (self.cleaned_data["certificate"], self.cleaned_data["key"])
        found += [Given(data=text.strip().encode("utf-8", "replace")) for text in pasted if text]
        return tuple(one for one in found if one.data.strip())


class AuthorityImportForm(_Bringing):
    """An existing CA: its certificate and key, or a whole folder of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].help_text = _l(
            "Certificate, chain and key; a PKCS#12 file; the folder that the cfssl recipe leaves "
            "or kubeadm's /etc/kubernetes/pki, as several files or as .tar, .tar.gz or .zip. PEM "
            "or DER."
        )


class CertificateImportForm(_Bringing):
    """Certificates from elsewhere that are to be watched here."""

    exportable = forms.ChoiceField(
        label=_l("Private keys among it"),
        widget=forms.RadioSelect,
        initial="no",
        choices=[
            ("no", _l("Leave them out: the certificates are watched all the same")),
            ("yes", _l("Keep them sealed; an issuer may take them again")),
            ("never", _l("Keep them sealed, and never let them leave")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upload"].help_text = _l(
            "One certificate or many: PEM, DER, a bundle, PKCS#7, PKCS#12, .tar, .tar.gz or .zip."
        )


class CertdbForm(PortalForm):
    """cfssl's SQLite file."""

    certdb = forms.FileField(
        label=_l("certdb file"),
        help_text=_l("The SQLite file that data_source names in cfssl's db-config.json."),
        error_messages={
            "required": _l("Choose the file."),
            "empty": _l("The file is empty."),
        },
    )

    def clean_certdb(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["certdb"]
        if (file.size or 0) > MAX_CERTDB_BYTES:
            raise forms.ValidationError(
                _("A file of %(size)d bytes is too large; at most %(limit)d are read.")
                % {"size": file.size, "limit": MAX_CERTDB_BYTES}
            )
        return file
