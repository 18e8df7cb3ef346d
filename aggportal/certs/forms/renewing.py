"""How to renew a certificate: everything that issuing asks, and which key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.issuing import IssueForm
from aggportal.certs.models import Certificate
from aggportal.certs.services.renewing import authority_to_begin_with

NEW_KEY, SAME_KEY = "new", "same"


class RenewForm(IssueForm):
    """A new key is what we advise where the key is here; where it is not, the same one, since a new
    one would be made here.
    """

    # A successor has its predecessor's.
    owner = None
    tags = None
    key_choice = forms.ChoiceField(
        label=_l("Whose key"),
        widget=forms.RadioSelect,
        choices=[(NEW_KEY, _l("a new key (recommended)")), (SAME_KEY, _l("the same key"))],
        error_messages={
            "required": _l("Say whether the new certificate is for a new key or for the same one."),
            "invalid_choice": _l("Say whether it is for a new key or for the same one."),
        },
    )

    def __init__(self, *args: Any, certificate: Certificate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["key_choice"]
        if certificate.key_id is None:
            field.choices = [  # type: ignore[attr-defined]  # ChoiceField's
                (NEW_KEY, _l("a new key, made here")),
                (SAME_KEY, _l("the same key, wherever it is")),
            ]
            field.help_text = _l(
                "Its private key is not here. For the same key nothing of it is needed. A new key "
                "would be made here, and whoever uses it would take it from here; where it is to "
                "stay with them, have them send a new signing request instead."
            )
        else:
            field.help_text = _l(
                "A new key ends what somebody could do who got hold of the old one. Keep the same "
                "one only where something is pinned to it."
            )

    @property
    def wants_same_key(self) -> bool:
        """Tell which key the page shows as chosen."""
        return self["key_choice"].value() == SAME_KEY


def beginning_of(certificate: Certificate) -> dict[str, object]:
    """Return what the page begins with: everything as it was."""
    authority = authority_to_begin_with(certificate)
    return {
        "authority": authority.slug if authority else "",
        "profile": certificate.profile,
        "file_base": certificate.file_base,
        "key_stays": not certificate.exportable,
        "key_choice": NEW_KEY if certificate.key_id is not None else SAME_KEY,
    }
