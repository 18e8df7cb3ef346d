"""How to issue: from which authority, under which profile, and the choices that a person makes
knowingly.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.keeping import OwnerField, TagsField
from aggportal.certs.forms.naming import safe_base_name
from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.keeping import Keeping
from aggportal.certs.models import Authority
from aggportal.certs.signing_configs import config_of
from aggportal.web.forms import PortalForm


class SignerForm(PortalForm):
    """Who signs, and under which profile. Profiles are those of the chosen authority."""

    authority = forms.ChoiceField(
        label=_l("Authority"),
        error_messages={
            "required": _l("Choose the authority that signs."),
            "invalid_choice": _l("There is no such authority any more. Choose another."),
        },
    )
    profile = forms.ChoiceField(
        label=_l("Profile"),
        error_messages={
            "required": _l("Choose a profile: it says what the certificate may be used for."),
            "invalid_choice": _l(
                "The authority has no profile “%(value)s”. Choose one of its own."
            ),
        },
    )

    def __init__(self, *args: Any, among: QuerySet[Authority], **kwargs: Any) -> None:
        """`among` are the authorities that the person may ask."""
        super().__init__(*args, **kwargs)
        self.authorities = list(
            among.filter(retired_at=None).order_by("label").values_list("slug", "label")
        )
        self.fields["authority"].choices = self.authorities  # type: ignore[attr-defined]  # ChoiceField's
        self.chosen = self._chosen()
        self.profiles = profile_names(self.chosen)
        self.fields["profile"].choices = [(name, name) for name in self.profiles]  # type: ignore[attr-defined]  # ChoiceField's

    def _chosen(self) -> Authority | None:
        """Return the authority that the page shows.

        A wrong choice is refused, and the first one is shown instead.
        """
        if not self.authorities:
            return None
        slugs = [slug for slug, _label in self.authorities]
        typed = self["authority"].value()
        shown = typed if typed in slugs else slugs[0]
        return Authority.objects.select_related("key").filter(slug=shown).first()

    @property
    def chosen_profile(self) -> str:
        """The profile that is shown as chosen: the typed one where the authority has it, else the
        first.
        """
        value = self["profile"].value()
        return value if value in self.profiles else next(iter(self.profiles), "")


class IssueForm(SignerForm):
    """The choices beside the request spec."""

    file_base = forms.CharField(
        label=_l("File name"),
        required=False,
        max_length=100,
        help_text=_l(
            "The files are called after it, as cfssljson -bare does: aggregator gives "
            "aggregator.pem "
            "and aggregator-key.pem. Empty is the CN."
        ),
    )
    end_with_authority = forms.BooleanField(
        label=_l("End with the authority at the latest"),
        required=False,
        help_text=_l(
            "Where the profile's expiry reaches beyond the authority's own end, cut it there "
            "instead "
            "of refusing."
        ),
    )
    compat = forms.BooleanField(
        label=_l("Exactly as cfssl"),
        required=False,
        help_text=_l(
            "The certificate may outlive its authority, hosts are taken as cfssl takes them, and "
            "the authority key identifier is left out where both subjects are equal."
        ),
    )
    key_stays = forms.BooleanField(
        label=_l("The private key never leaves the portal"),
        required=False,
        help_text=_l(
            "Nobody can take it, in no form, and that is not undone: only for a key that the "
            "portal alone uses. A server that is to serve with it needs it."
        ),
    )
    override_reason = override_reason_field()

    owner = OwnerField()
    tags = TagsField()

    def __init__(self, *args: Any, may_administer: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_administer = may_administer

    @property
    def power_reason(self) -> str:
        """Why whoever asks wants a name that is power."""
        return self["override_reason"].value() or ""

    @property
    def reason_to_pass(self) -> str:
        """Why an administrator lets dangers pass; nobody else's reason counts for them."""
        return self.power_reason if self.may_administer else ""

    @property
    def keeping(self) -> Keeping:
        """Owner and tags, as far as the form has them."""
        values = getattr(self, "cleaned_data", {})
        return Keeping(owner=values.get("owner", ""), tags=values.get("tags", ()))

    def clean_file_base(self) -> str:
        return safe_base_name(self.cleaned_data["file_base"])

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("compat") and values.get("end_with_authority"):
            self.add_error(
                "compat",
                _("cfssl does not end a certificate with its authority. Choose one of the two."),
            )
        return values


class SecretForm(PortalForm):
    """Name and namespace of a Kubernetes Secret or ConfigMap."""

    name = forms.CharField(label=_l("Name"), max_length=253)
    namespace = forms.CharField(label=_l("Namespace"), max_length=63, initial="default")


class ServiceForm(PortalForm):
    """A Service whose names are to be the hosts."""

    service = forms.RegexField(
        r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
        label=_l("Service"),
        required=False,
        max_length=63,
        error_messages={
            "invalid": _l("A Service's name is lower case letters, digits and dashes.")
        },
    )
    namespace = forms.RegexField(
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        label=_l("Namespace"),
        required=False,
        max_length=63,
        error_messages={"invalid": _l("A namespace is lower case letters, digits and dashes.")},
    )
    domain = forms.RegexField(
        r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        label=_l("Cluster domain"),
        required=False,
        max_length=120,
        initial="cluster.local",
        error_messages={"invalid": _l("A domain is lower case letters, digits, dashes and dots.")},
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        for name, text in (
            ("service", _("Name the Service that the APIService points at.")),
            ("namespace", _("Name the Service's namespace.")),
        ):
            if name not in self.errors and not values.get(name):
                self.add_error(name, text)
        return values

    def hosts(self) -> tuple[str, ...]:
        """The names of the Service; kube-apiserver asks for the first one only."""
        service, namespace = self.cleaned_data["service"], self.cleaned_data["namespace"]
        domain = self.cleaned_data["domain"] or "cluster.local"
        base = f"{service}.{namespace}"
        return (f"{base}.svc", f"{base}.svc.{domain}", base)


def profile_names(authority: Authority | None) -> tuple[str, ...]:
    """Return the profiles that can be signed under, the default one only where it can."""
    if authority is None:
        return ()
    config = config_of(authority)
    named = tuple(profile.name for profile in config.profiles)
    return (*named, "default") if config.default.usages or not named else named
