"""Forms about people."""

from __future__ import annotations

import json

from allauth.account.adapter import get_adapter
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.webauthn.internal import auth as webauthn
from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.accounts.factor_checks import ODD
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

    def clean_old_password(self) -> str:
        """Counted by the lockout, as at signing in."""
        password: str = self.cleaned_data["old_password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise forms.ValidationError(_("This is not your present password."))
        return password


class SignInForm(AuthenticationForm):
    """Django's own form; django-allauth counts the tries and refuses where there were too many."""

    def clean(self) -> dict[str, object]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password:
            found = get_adapter().authenticate(self.request, username=name, password=password)
            if not isinstance(found, User):
                raise self.get_invalid_login_error()
            self.user_cache = found
        return self.cleaned_data


class AppForm(PortalForm):
    """A code that proves that an authenticator app has the secret."""

    code = forms.CharField(
        label=gettext_lazy("Code that the app shows now"),
        max_length=12,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "mono"}
        ),
    )

    def __init__(self, *args: object, secret: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.secret = secret

    def clean_code(self) -> str:
        code = "".join(str(self.cleaned_data["code"]).split())
        if not validate_totp_code(self.secret, code):
            raise forms.ValidationError(
                _("This does not fit. Take the newest code, and look at the telephone's clock.")
            )
        return code


class PasskeyForm(PortalForm):
    """A passkey that the browser has made; `credential` is its answer (WebAuthn, JSON)."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("So that you know it again: the telephone, the key on the ring."),
    )
    credential = forms.JSONField(widget=forms.HiddenInput)

    def options(self, user: User) -> str:
        """Begin to make one; JSON for the browser. It must be unlocked whenever it is used."""
        return json.dumps(webauthn.begin_registration(user, passwordless=True), default=dict)

    def clean_credential(self) -> dict[str, object]:
        made: dict[str, object] = self.cleaned_data["credential"]
        try:
            webauthn.parse_registration_response(made)
            webauthn.complete_registration(made)
        except (*ODD, forms.ValidationError) as exc:
            raise forms.ValidationError(
                _("The browser's answer does not fit this page. Try to make the passkey again.")
            ) from exc
        return made
