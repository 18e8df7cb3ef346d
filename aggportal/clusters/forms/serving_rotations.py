"""What is asked when a serving CA is exchanged: which for which, the certificates, and the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Lane
from aggportal.certs.signing_configs import config_of
from aggportal.web.forms import PortalForm, TypedForm

_LIVE = Authority.objects.filter(retired_at=None, issued_as__revoked_at=None)
_SERVER = "server auth"


class ServingStartForm(PortalForm):
    """Which CA goes and which one takes its place. `held` are (public key, label) pairs."""

    old = forms.ChoiceField(
        label=gettext_lazy("The CA that is to go"),
        help_text=gettext_lazy(
            "What the caBundles of this cluster hold. It may be one that is not managed here."
        ),
    )
    new = forms.ModelChoiceField(
        label=gettext_lazy("The authority that takes its place"),
        queryset=_LIVE.filter(lane__in=[Lane.SERVING, Lane.GENERAL]),
        to_field_name="slug",
        help_text=gettext_lazy(
            "It signs the new serving certificates. Make it first, from the page of the old one or "
            "as a new authority."
        ),
    )

    def __init__(self, *args: object, held: Iterable[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old"].choices = list(held)  # type: ignore[attr-defined]  # a ChoiceField


class ServingCertificatesForm(PortalForm):
    """Under which profile the new certificates are issued."""

    profile = forms.ChoiceField(label=gettext_lazy("Profile"))
    end_with_authority = forms.BooleanField(
        label=gettext_lazy("End with the authority, where the profile would outlive it"),
        required=False,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, authority: Authority) -> None:
        super().__init__(data)
        self.fields["profile"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (name, name) for name in _server_profiles(authority)
        ]


class DropForm(TypedForm):
    """The CN of the CA that goes, typed."""

    asks = gettext_lazy("Type the name of the CA that goes")
    wrong = gettext_lazy("This is not its name, so nothing was changed. Type it exactly as shown.")

    def __init__(self, data: Mapping[str, Any] | None, *, expected: str) -> None:
        super().__init__(data, expected=expected)
        self.fields["confirm"].help_text = expected


def _server_profiles(authority: Authority) -> tuple[str, ...]:
    config = config_of(authority)
    named = [profile.name for profile in config.profiles if _SERVER in profile.usages]
    return (*named, "default") if _SERVER in config.default.usages else tuple(named)
