"""A channel's form; each kind asks for what it needs."""

from __future__ import annotations

import re
import ssl

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.clusters.models import Cluster
from aggportal.notices.errors import BadAddress
from aggportal.notices.models import Channel, ChannelKind, Rhythm
from aggportal.notices.models.channels import Weekday
from aggportal.notices.posting import tls_context
from aggportal.notices.webhooks import MAX_URL, parse_target, signing_key
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import visible, words

MAX_RECIPIENTS = 50
MIN_SECRET = 16
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class ChannelForm(PortalForm):
    """What every channel has; `channel` None while it is new."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    rhythm = forms.ChoiceField(
        label=gettext_lazy("When"), choices=Rhythm.choices, widget=forms.RadioSelect
    )
    hour = forms.IntegerField(
        label=gettext_lazy("Hour of the digest (UTC)"), min_value=0, max_value=23
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("Day of the weekly digest"), choices=Weekday.choices, coerce=int
    )
    findings = forms.BooleanField(
        label=gettext_lazy("Also what the doctor finds"),
        help_text=gettext_lazy("Errors and critical findings of clusters, when they appear."),
        required=False,
    )
    enabled = forms.BooleanField(label=gettext_lazy("In use"), required=False)

    def __init__(self, *args: object, channel: Channel | None = None, **kwargs: object) -> None:
        kwargs.setdefault("initial", self.initial_of(channel))
        super().__init__(*args, **kwargs)
        self.channel = channel

    def initial_of(self, channel: Channel | None) -> dict[str, object]:
        """Return what the form shows at first."""
        if channel is None:
            on = {"findings": True, "enabled": True}
            return {"rhythm": Rhythm.AT_ONCE, "hour": 7, "weekday": 0} | on
        shown = ("name", "rhythm", "hour", "weekday", "enabled", "recipients", "to_owner")
        also = ("ca_pem", "cluster", "namespace", "findings")
        return {name: getattr(channel, name) for name in shown + also}


class EmailForm(ChannelForm):
    """Whom to write to."""

    recipients = forms.CharField(
        label=gettext_lazy("Recipients"),
        help_text=gettext_lazy("One address a line."),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, **_PLAIN}),
    )
    to_owner = forms.BooleanField(
        label=gettext_lazy("Also to the certificate's owner, where that is an address"),
        help_text=gettext_lazy("An owner reads of their own certificates alone."),
        required=False,
    )
    field_order = ("name", "recipients", "to_owner")

    def clean_recipients(self) -> tuple[str, ...]:
        """Take addresses apart at lines, commas and semicolons."""
        found = re.split(r"[\s,;]+", str(self.cleaned_data["recipients"]))
        addresses = tuple(dict.fromkeys(each for each in found if each))
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                text = _("%(address)s is no e-mail address.")
                raise ValidationError(text % {"address": visible(address[:100])}) from None
        if len(addresses) > MAX_RECIPIENTS:
            raise ValidationError(
                _("These are more than %(limit)d: use the address of a list.")
                % {"limit": MAX_RECIPIENTS}
            )
        return addresses

    def clean(self) -> None:
        if not self.errors and not (
            self.cleaned_data["recipients"] or self.cleaned_data["to_owner"]
        ):
            self.add_error("recipients", _("Name at least one recipient, or choose the owner."))


class WebhookForm(ChannelForm):
    """Where to post, and how the receiver knows that it was us."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=MAX_URL,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "https://", **_PLAIN}),
    )
    secret = forms.CharField(
        label=gettext_lazy("Signing secret"),
        help_text=gettext_lazy("The receiver checks the signature with it. Never shown again."),
        required=False,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    unsigned = forms.BooleanField(
        label=gettext_lazy("Sign no more: forget the secret"), required=False
    )
    ca_pem = forms.CharField(
        label=gettext_lazy("Trusted CA certificates (PEM)"),
        help_text=gettext_lazy("Empty: those that the system trusts."),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", **_PLAIN}),
    )
    field_order = ("name", "url", "secret", "unsigned", "ca_pem")

    def __init__(self, *args: object, channel: Channel | None = None, **kwargs: object) -> None:
        super().__init__(*args, channel=channel, **kwargs)
        if channel is None:
            self.fields["url"].required = True
        else:
            self.fields["url"].help_text = _(
                "Now at %(target)s. Leave it empty to keep it; what is behind the host is not "
                "shown, since it may be a secret."
            ) % {"target": visible(channel.target)}
        if channel is None or not channel.signed:
            del self.fields["unsigned"]
        else:
            self.fields["secret"].help_text = _("There is one. Leave it empty to keep it.")

    def clean_url(self) -> str | None:
        """Refuse what is no address; None keeps the present one."""
        url = str(self.cleaned_data["url"]).strip()
        if not url:
            return None
        try:
            parse_target(url)
        except BadAddress as refused:
            raise ValidationError(words(refused.sentence)) from refused
        return url

    def clean_secret(self) -> str | None:
        """Refuse a short one; None keeps the present one."""
        secret = str(self.cleaned_data["secret"])
        if not secret:
            return None
        try:
            key = signing_key(secret)
        except BadAddress as refused:
            raise ValidationError(words(refused.sentence)) from refused
        if len(key) < MIN_SECRET:
            raise ValidationError(
                _("This is too short: take %(limit)d characters or more.") % {"limit": MIN_SECRET}
            )
        return secret

    def clean_ca_pem(self) -> str:
        """Refuse what holds no certificate."""
        pem = str(self.cleaned_data["ca_pem"]).strip()
        try:
            tls_context(pem)
        except (ssl.SSLError, ValueError, TypeError):
            raise ValidationError(_("This is no certificate in PEM.")) from None
        return pem

    def clean(self) -> None:
        if self.cleaned_data.get("unsigned") and self.cleaned_data.get("secret") is None:
            self.cleaned_data["secret"] = ""


class EventForm(ChannelForm):
    """In which cluster and namespace the Events appear."""

    cluster = forms.ModelChoiceField(
        label=gettext_lazy("Cluster"),
        queryset=Cluster.objects.all(),
        empty_label=None,
        to_field_name="slug",
    )
    namespace = forms.CharField(
        label=gettext_lazy("Namespace"), max_length=63, widget=forms.TextInput(attrs=_PLAIN)
    )
    field_order = ("name", "cluster", "namespace")

    def clean_namespace(self) -> str:
        """Refuse what Kubernetes would refuse."""
        namespace = str(self.cleaned_data["namespace"])
        if not _NAMESPACE.fullmatch(namespace):
            raise ValidationError(
                _("A namespace is lower-case letters, digits and hyphens, at most 63.")
            )
        return namespace


FORMS: dict[str, type[ChannelForm]] = {
    ChannelKind.EMAIL: EmailForm,
    ChannelKind.WEBHOOK: WebhookForm,
    ChannelKind.EVENT: EventForm,
}
