"""Renaming, and the typed name that a dangerous action asks for."""

from __future__ import annotations

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Lane
from aggportal.clusters.forms.connecting import ClusterForm
from aggportal.web.forms import PortalForm, TypedForm

_PRESENT = Authority.objects.filter(retired_at=None)


class RenameForm(ClusterForm):
    """Another name; the address stays."""


class Handshakes(models.TextChoices):
    """Whether and how the doctor reaches the backends."""

    OFF = "off", gettext_lazy("not at all")
    DIRECT = "direct", gettext_lazy("directly")
    FORWARD = "forward", gettext_lazy("through kube-apiserver (pods/portforward)")


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

    handshakes = forms.ChoiceField(
        label=gettext_lazy("The doctor shakes hands with the backends"),
        choices=Handshakes,
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "With each examination, to see which certificate they show; nothing is sent but the "
            "handshake. Directly, the portal connects to where the Services of APIServices lead. "
            "Through kube-apiserver it connects to no backend, but its account needs pods/"
            "portforward, which reaches any port of any pod in the namespaces where it is given."
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


class ConfirmForm(TypedForm):
    """Type the name of what is to be deleted."""
