"""What is asked in a rotation: how it starts, what its deeds need, why it goes on without proof."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Certificate, Lane
from aggportal.pki.fields import unseen_characters
from aggportal.web.forms import PortalForm, TypedForm

_LINE = forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"})


def _require_seen(text: str) -> str:
    """Refuse characters that nobody sees."""
    unseen = unseen_characters(text)
    if unseen:
        raise forms.ValidationError(
            _("This contains characters that cannot be seen (%(characters)s); remove them.")
            % {"characters": ", ".join(unseen[:5])}
        )
    return text


class StartCaForm(PortalForm):
    """Which authority takes the place of the present one."""

    successor = forms.ModelChoiceField(
        label=gettext_lazy("Next front-proxy authority"),
        queryset=Authority.objects.filter(
            retired_at=None, lane__in=[Lane.FRONT_PROXY, Lane.GENERAL]
        ),
        required=False,
        to_field_name="slug",
        empty_label=gettext_lazy("A new one, made in the first step"),
        help_text=gettext_lazy(
            "Leave it as it is where the present authority is one of this portal. Choose one here "
            "where the cluster's present CA was made elsewhere."
        ),
    )


class StartClientForm(PortalForm):
    """Which proxy client certificate is renewed."""

    certificate = forms.ModelChoiceField(
        label=gettext_lazy("Proxy client certificate"),
        queryset=Certificate.objects.none(),
        empty_label=None,
        help_text=gettext_lazy("The one that kube-apiserver shows to extension API servers today."),
        error_messages={
            "required": gettext_lazy(
                "No certificate of this portal is known to stand behind --proxy-client-cert-file "
                "in this cluster. Issue one from its front-proxy authority."
            )
        },
    )

    def __init__(self, *args: object, certificates: list[Certificate], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        offered = Certificate.objects.filter(pk__in=[each.pk for each in certificates])
        self.fields["certificate"].queryset = offered  # type: ignore[attr-defined]


class MakeAuthorityForm(PortalForm):
    """What the next authority is called."""

    label = forms.CharField(
        label=gettext_lazy("Label"),
        max_length=80,
        help_text=gettext_lazy("What people call it here."),
    )
    common_name = forms.CharField(
        label=gettext_lazy("Common name (CN)"),
        max_length=64,
        help_text=gettext_lazy(
            "Another one than its predecessor's: of two CAs with one name and two keys, servers "
            "may try the wrong one."
        ),
        widget=_LINE,
    )

    def clean_label(self) -> str:
        return _require_seen(self.cleaned_data["label"])

    def clean_common_name(self) -> str:
        return _require_seen(self.cleaned_data["common_name"])


class IssuePairForm(PortalForm):
    """From which profile, and for which name, the proxy client certificate is issued."""

    common_name = forms.CharField(
        label=gettext_lazy("Common name (CN)"),
        max_length=64,
        help_text=gettext_lazy(
            "The same as now: extension API servers accept the allowed names and no others, and "
            "changing those needs a restart of kube-apiserver."
        ),
        widget=_LINE,
    )
    profile = forms.ChoiceField(label=gettext_lazy("Profile"))

    def __init__(self, *args: object, profiles: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"].choices = [(n, n) for n in profiles]  # type: ignore[attr-defined]

    def clean_common_name(self) -> str:
        return _require_seen(self.cleaned_data["common_name"])


class DeedForm(TypedForm):
    """Something is typed, so that it is meant."""

    asks = gettext_lazy("Type it to confirm")
    wrong = gettext_lazy("This is not it, so nothing was done. Type it exactly.")


class OverrideForm(DeedForm):
    """Why a step is passed without its proof, and the cluster's name."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        help_text=gettext_lazy("It stays with the step and in the audit record."),
        error_messages={"required": gettext_lazy("Say why it may go on without proof.")},
    )

    def clean_reason(self) -> str:
        return _require_seen(self.cleaned_data["reason"])


class StopForm(PortalForm):
    """Why a rotation is stopped."""

    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("May stay empty."),
    )

    def clean_why(self) -> str:
        return _require_seen(self.cleaned_data["why"])
