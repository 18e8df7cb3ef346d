"""Forms about people."""

from __future__ import annotations

import json
from typing import Any

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
from aggportal.accounts.rights import Role, Scope, ScopeKind
from aggportal.accounts.scopes import rows_of
from aggportal.web.forms import PortalForm, TypedForm, dress
from aggportal.web.sentences import visible

# Each role with what it is for, as lists of choices say it.
ROLES_TOLD = [
    (Role.VIEWER.value, gettext_lazy("viewer: reads")),
    (Role.REQUESTER.value, gettext_lazy("requester: hands in signing requests")),
    (Role.ISSUER.value, gettext_lazy("issuer: issues, renews, revokes, takes keys")),
    (Role.APPROVER.value, gettext_lazy("approver: decides on signing requests")),
    (Role.AUDITOR.value, gettext_lazy("auditor: reads the audit")),
    (Role.OPERATOR.value, gettext_lazy("cluster operator: repairs and rotates in clusters")),
    (Role.ADMINISTRATOR.value, gettext_lazy("administrator: everything, and people")),
]


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
        choices=ROLES_TOLD,
        initial=Role.VIEWER,
        help_text=gettext_lazy(
            "For the whole portal. On the person's page more can be given, and limited to one "
            "authority or cluster."
        ),
    )

    def clean_username(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("Somebody has this name already. Choose another."))
        return name


class GrantForm(PortalForm):
    """A role, and where: everywhere, on an authority or on a cluster."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES_TOLD)
    where = forms.ChoiceField(label=gettext_lazy("Where"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["where"].choices = [  # type: ignore[attr-defined]  # ChoiceField's
            ("", _("everywhere")),
            (_("Authorities"), _things(ScopeKind.AUTHORITY.value)),
            (_("Clusters"), _things(ScopeKind.CLUSTER.value)),
        ]

    @property
    def scope(self) -> Scope:
        """What a valid form says."""
        kind, _colon, key = self.cleaned_data["where"].partition(":")
        return Scope(kind=kind, key=key)


def _things(kind: str) -> list[tuple[str, str]]:
    return [(f"{kind}:{row.pk}", visible(str(row))) for row in rows_of(kind)]


class CloseForm(TypedForm):
    """Type the name of whose account is to be closed."""

    wrong = gettext_lazy("This is not the name, so nothing was closed. Type it exactly as shown.")


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
