"""How a keystore or truststore is to be written and closed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.errors import InvalidField
from aggportal.pki.keystores import MAX_ALIAS, MAX_PASSPHRASE, Encryption, Lock
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words


def _secret() -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": "new-password"})


class KeystoreForm(PortalForm):
    """A valid form has `lock`. The passphrase is never written back into the page."""

    alias = forms.CharField(label=_l("Name inside (alias)"), max_length=MAX_ALIAS, strip=False)
    encryption = forms.ChoiceField(
        label=_l("Format and encryption"),
        widget=forms.RadioSelect,
        initial=Encryption.MODERN.value,
        choices=(
            (
                Encryption.MODERN.value,
                _l("PKCS#12 with AES-256: Java 8u301, OpenSSL 1.1, Windows 10 and newer"),
            ),
            (Encryption.LEGACY.value, _l("PKCS#12 with 3DES and SHA-1: only for what is older")),
            (Encryption.JKS.value, _l("JKS: only for a Java program that reads nothing else")),
        ),
    )
    passphrase = forms.CharField(
        label=_l("Passphrase"),
        widget=_secret(),
        strip=False,
        max_length=MAX_PASSPHRASE,
        help_text=_l("At least 8 characters. It is not kept: who loses it takes the file again."),
    )
    again = forms.CharField(
        label=_l("Passphrase again"), widget=_secret(), strip=False, max_length=MAX_PASSPHRASE
    )
    lock: Lock | None = None

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if self.errors:
            return values
        if values["passphrase"] != values["again"]:
            self.add_error("again", _("The two passphrases differ. Type the same one twice."))
            return values
        try:
            self.lock = Lock(
                alias=values["alias"],
                passphrase=values["passphrase"],
                encryption=Encryption(values["encryption"]),
                now=timezone.now(),
            )
        except InvalidField as refused:
            self.add_error(refused.field, words(refused.sentence))
        return values
