"""Renaming, and the typed name that a dangerous action asks for."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Lane
from aggportal.clusters.forms.connecting import ClusterForm
from aggportal.web.forms import PortalForm

_PRESENT = Authority.objects.filter(retired_at=None)


class RenameForm(ClusterForm):
    """Another name; the address stays."""


class TrustForm(PortalForm):
    """Which authorities of ours the cluster's trust is made of."""

    front_proxy = forms.ModelChoiceField(
        label=gettext_lazy("Front-proxy authority"),
        queryset=_PRESENT.filter(lane__in=[Lane.FRONT_PROXY, Lane.GENERAL]),
        required=False,
        empty_label=gettext_lazy("Recognise it by its key in the cluster"),
        help_text=gettext_lazy(
            "It signs the proxy client certificate that kube-apiserver shows to extension API "
            "servers. The doctor compares it with what the cluster publishes."
        ),
    )
    serving_authorities = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Serving authorities"),
        queryset=_PRESENT.filter(lane__in=[Lane.SERVING, Lane.GENERAL]),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "They sign the certificates of extension API servers; remedies start from the first."
        ),
    )

    shakes_hands = forms.BooleanField(
        label=gettext_lazy("The doctor shakes hands with the backends"),
        required=False,
        help_text=gettext_lazy(
            "With each examination the portal connects to where the Services of APIServices lead, "
            "to see which certificate is shown there. Nothing is sent but the handshake."
        ),
    )
    reads_secrets = forms.BooleanField(
        label=gettext_lazy("Certificates in Secrets are read"),
        required=False,
        help_text=gettext_lazy(
            "Of the Secrets that pods behind APIServices mount, to compare them with what we "
            "issued. Whoever may read a Secret may read the private key in it: the portal drops it "
            "at once and keeps tls.crt and ca.crt alone, but its account is worth more then. The "
            "page Drift has a Role for just these Secrets."
        ),
    )


class ConfirmForm(PortalForm):
    """Type the name of what is to be deleted."""

    confirm = forms.CharField(
        label=gettext_lazy("Type the name to confirm"),
        max_length=400,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: object, expected: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirm"].widget.attrs["data-confirm-name"] = expected

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"])
        if typed != self.expected:
            raise forms.ValidationError(
                _("This is not its name, so nothing was deleted. Type it exactly as shown.")
            )
        return typed
