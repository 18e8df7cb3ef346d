"""Forms about people."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role
from aggportal.web.forms import PortalForm, dress


class PersonForm(PortalForm):
    """Add a person: a name to sign in with, a role, an e-mail address if there is one."""

    username = forms.CharField(
        label=gettext_lazy("Name to sign in with"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text=gettext_lazy("The audit shows this name for ever; it cannot be reused."),
    )
    email = forms.EmailField(label=gettext_lazy("E-mail address"), required=False)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=Role.choices,
        widget=forms.RadioSelect,
        initial=Role.VIEWER,
        help_text=gettext_lazy(
            "A viewer reads. An issuer also issues certificates and takes their keys. An "
            "administrator also "
            "makes authorities, connects clusters and manages people."
        ),
    )

    def clean_username(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("Somebody has this name already. Choose another."))
        return name


class RoleForm(forms.Form):
    """Change a person's role, or close the account."""

    role = forms.ChoiceField(choices=[*Role.choices, ("none", gettext_lazy("no role"))])


class OwnPasswordForm(PasswordChangeForm):
    """Django's own form and rules, in the portal's look."""

    use_required_attribute = False

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature
        for field in self.fields.values():
            dress(field)
