"""Registering an APIService: the values, their rules, and the caBundle."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Lane
from aggportal.kube.errors import InvalidRegistrations, KubeError
from aggportal.kube.registering import Registration, require_valid
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import read_certificates
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import visible, words

PASTED, SYSTEM = "pasted", "system"
_ORDER = (Lane.SERVING, Lane.GENERAL, Lane.CLIENT, Lane.FRONT_PROXY)


class RegistrationForm(PortalForm):
    """What an APIService says; checked by the rules of Kubernetes and of ours."""

    group = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=253,
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "metrics.example.com"}),
        help_text=gettext_lazy("A domain name of your own. Groups of Kubernetes are refused."),
    )
    version = forms.CharField(
        label=gettext_lazy("Version"),
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "v1alpha1"}),
        help_text=gettext_lazy("One that the extension API server serves."),
    )
    service_namespace = forms.CharField(
        label=gettext_lazy("Namespace of the Service"),
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono"}),
    )
    service_name = forms.CharField(
        label=gettext_lazy("Name of the Service"),
        max_length=63,
        widget=forms.TextInput(attrs={"class": "mono"}),
        help_text=gettext_lazy(
            "The serving certificate must name <name>.<namespace>.svc; its CN does not count."
        ),
    )
    service_port = forms.IntegerField(
        label=gettext_lazy("Port of the Service"),
        initial=443,
        help_text=gettext_lazy("The Service's port, not the pod's."),
    )
    group_priority_minimum = forms.IntegerField(
        label=gettext_lazy("Priority of the group"),
        initial=1000,
        help_text=gettext_lazy("1 to 20000; where kinds share a short name the higher wins."),
    )
    version_priority = forms.IntegerField(
        label=gettext_lazy("Priority of the version"),
        initial=15,
        help_text=gettext_lazy("1 to 1000; the highest version is what kubectl prefers."),
    )
    authority = forms.ChoiceField(
        label=gettext_lazy("Who signed the serving certificate"),
        help_text=gettext_lazy(
            "Its certificate becomes the caBundle. Nothing is registered without verification."
        ),
    )
    ca_bundle = forms.CharField(
        label=gettext_lazy("Another CA certificate (PEM)"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 5, "class": "mono", "spellcheck": "false", "data-drop": ""}
        ),
        help_text=gettext_lazy("Only where “pasted below” is chosen above."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["authority"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [*_authorities(), (PASTED, _("pasted below")), (SYSTEM, _("system roots"))]
        self.registration: Registration | None = None
        self.cautions: list[str] = []

    def clean_ca_bundle(self) -> str:
        """A private key that was pasted here by mistake is not written back into the page."""
        pem = str(self.cleaned_data["ca_bundle"])
        if "PRIVATE KEY" in pem:
            self.data = {each: self.data.get(each) for each in self.data} | {"ca_bundle": ""}
            raise forms.ValidationError(
                _("This held a private key and was thrown away. Give the CA certificate only.")
            )
        return pem

    def clean(self) -> dict[str, object]:
        values = self.cleaned_data
        if self.errors:
            return values
        bundle = self._bundle(str(values["authority"]), str(values["ca_bundle"]).strip())
        if self.errors:
            return values
        self.registration = Registration(
            group=values["group"],
            version=values["version"],
            service_namespace=values["service_namespace"],
            service_name=values["service_name"],
            service_port=values["service_port"],
            group_priority_minimum=values["group_priority_minimum"],
            version_priority=values["version_priority"],
            ca_bundle=bundle,
        )
        try:
            require_valid(self.registration)
        except InvalidRegistrations as wrong:
            for problem in wrong.problems:
                self.refuse(problem)
        return values

    def refuse(self, error: KubeError) -> None:
        """Put the error beside its field, or above the form."""
        remedy = f" {words(error.remedy)}" if error.remedy else ""
        field = error.field if error.field in self.fields else None
        self.add_error(field, f"{words(error.sentence)}{remedy}")

    def _bundle(self, chosen: str, pasted: str) -> bytes | None:
        if chosen == SYSTEM:
            return None
        if chosen == PASTED:
            return self._read(pasted)
        authority = Authority.objects.get(slug=chosen)
        if authority.lane == Lane.FRONT_PROXY:
            self.cautions.append(
                _(
                    "%(label)s is a front-proxy CA: whoever gets a client certificate of it may "
                    "act as anybody. Let a serving CA sign serving certificates."
                )
                % {"label": visible(authority.label)}
            )
        return authority.certificate_pem.encode("ascii")

    def _read(self, pasted: str) -> bytes | None:
        try:
            found = read_certificates(pasted, field="ca_bundle")
        except PkiError as refused:
            self.add_error("ca_bundle", words(refused.sentence))
            return None
        if not any(each.is_ca for each in found):
            self.cautions.append(
                _("No certificate of this caBundle is a CA; it then trusts itself alone.")
            )
        return f"{pasted}\n".encode("ascii", "replace")


def _authorities() -> list[tuple[str, str]]:
    rank = {lane.value: index for index, lane in enumerate(_ORDER)}
    found = sorted(Authority.objects.all(), key=lambda row: (rank[row.lane], row.label))
    return [(row.slug, _label(row)) for row in found]


def _label(authority: Authority) -> str:
    text = f"{visible(authority.label)} ({authority.get_lane_display()})"
    if authority.lane == Lane.FRONT_PROXY:
        return _("%(label)s – not made for this") % {"label": text}
    return text
