"""OpenID Connect by django-allauth: it keeps the state, PKCE and the exchange; we check."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from aggportal.accounts import provider_people, provider_wire
from aggportal.accounts.confirming import confirm
from aggportal.accounts.id_tokens import LEEWAY, verified_claims
from aggportal.accounts.models import User
from aggportal.accounts.roles import roles_of
from aggportal.ledger.models import Outcome
from aggportal.ledger.services import record
from aggportal.web.actors import Actor, client_address

log = logging.getLogger(__name__)
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KEPT = ("sub", "preferred_username", "email", "name")


class ProviderAdapter(DefaultSocialAccountAdapter):
    """What allauth asks about the provider and about who comes from there."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The one provider of the settings; none is kept in the database."""
        if not settings.OIDC_ISSUER:
            return []
        app = SocialApp(
            provider="openid_connect",
            provider_id=provider_people.provider_id(),
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={
                "server_url": settings.OIDC_ISSUER.rstrip("/"),
                "scope": settings.OIDC_SCOPES,
                "oauth_pkce_enabled": True,
            },
        )
        return [app]

    def get_requests_session(self) -> Any:
        return provider_wire.open_session()

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Answer with our page, in every case."""
        raise ImmediateHttpResponse(refused(request, error=str(error or ""), exception=exception))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or add the person, let their grants follow their groups, then let allauth go on."""
        claims: dict[str, Any] = sociallogin.account.extra_data
        user = sociallogin.user if sociallogin.is_existing else _added(request, sociallogin, claims)
        if request.user.is_authenticated:
            raise ImmediateHttpResponse(_confirmed(request, user, sociallogin))
        sociallogin.user, sociallogin.email_addresses = user, []
        if user.is_active:
            groups = provider_people.groups_in(claims)
            provider_people.follow_groups(user, groups, by=_actor(request, user.username))
            if not roles_of(user):
                messages.warning(
                    request,
                    _("None of your groups has a role here. Ask an administrator for one."),
                )


class PortalProvider(OpenIDConnectOAuth2Adapter):
    """One exchange with the provider."""

    nonce = ""
    # Where a fresh proof was asked for, the moment from which on it counts (seconds since 1970).
    not_before: int | None = None

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says about itself, once it is the one that the settings name."""
        config: dict[str, Any] = super().openid_config
        if not isinstance(config, dict) or str(config.get("issuer", "")).rstrip(
            "/"
        ) != settings.OIDC_ISSUER.rstrip("/"):
            raise OAuth2Error("the provider names another issuer")
        for name in _ENDPOINTS:
            provider_wire.require_https(str(config.get(name, "")))
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("accounts:oidc_callback"))

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        """Return who came, by a token that was checked in every respect."""
        with provider_wire.open_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        claims = verified_claims(
            str(kwargs["response"].get("id_token", "")),
            keys=answer.json(),
            issuer=self.openid_config["issuer"],
            client_id=app.client_id,
            nonce=self.nonce,
        )
        self._require_fresh(claims)
        claims |= self._more(claims, token)
        login: SocialLogin = self.get_provider().sociallogin_from_response(
            request, {"id_token": claims}
        )
        kept = (*_KEPT, settings.OIDC_GROUPS_CLAIM)
        login.account.extra_data = {name: claims[name] for name in kept if name in claims}
        return login

    def _require_fresh(self, claims: dict[str, Any]) -> None:
        """Refuse an old proof where a new one was asked for (`max_age`, section 3.1.2.1)."""
        if self.not_before is None:
            return
        at = claims.get("auth_time")
        if not isinstance(at, int) or at < self.not_before - LEEWAY:
            raise OAuth2Error("the provider did not ask anew")

    def _more(self, claims: dict[str, Any], token: SocialToken) -> dict[str, Any]:
        """What the provider tells beside the token, if it is about the same person (5.3.2)."""
        if not self.openid_config.get("userinfo_endpoint"):
            return {}
        told = self._fetch_user_info(token.token)
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise OAuth2Error("userinfo is about somebody else")
        return {name: told[name] for name in told if name not in ("iss", "aud", "sub", "nonce")}


class Callback(OAuth2CallbackView):
    """allauth's, which hands the nonce of the session to the check of the token."""

    adapter: PortalProvider

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        state, response = super()._get_state(request, provider)
        if state is not None:
            self.adapter.nonce = str(state.get("nonce", ""))
            self.adapter.not_before = state.get("not_before")
        return state, response


def begin(request: HttpRequest, *, next_page: str, again: bool = False) -> HttpResponse:
    """Lead to the provider; `again` makes it ask for a proof anew. Raises what requests do."""
    adapter = PortalProvider(request, provider_people.provider_id())
    nonce = secrets.token_urlsafe(32)
    params = {"nonce": nonce, **({"prompt": "login", "max_age": "0"} if again else {})}
    since = int(time.time()) if again else None
    provider = adapter.get_provider()
    provider.oauth2_adapter_class = PortalProvider
    response: HttpResponse = provider.redirect(
        request,
        process="login",
        next_url=next_page,
        auth_params=params,
        nonce=nonce,
        not_before=since,
    )
    return response


def end(request: HttpRequest) -> HttpResponse:
    """Take what the provider sent back. Raises what requests do."""
    view = Callback.adapter_view(PortalProvider(request, provider_people.provider_id()))
    response: HttpResponse = view(request)
    return response


def refused(
    request: HttpRequest, *, error: str = "", exception: Exception | None = None
) -> HttpResponse:
    """Say that nobody was signed in, and why; the ledger and the log have more."""
    why = f"{type(exception).__name__}: {exception}" if exception else error
    log.warning("single sign-on was refused: %s", why[:300])
    record(
        "account.provider_refused",
        actor=_actor(request, ""),
        subject=("user", "", ""),
        outcome=Outcome.REFUSED,
        detail={"why": type(exception).__name__ if exception else error[:60]},
    )
    reached = not isinstance(exception, provider_wire.ProviderTrouble)
    text = (
        _("It answered, but not in a way that proves who you are. Try once more.")
        if reached
        else _("It does not answer. Local accounts can sign in meanwhile.")
    )
    context = {"name": settings.OIDC_NAME, "text": text}
    status = 403 if reached else 502
    return render(request, "accounts/provider_page.html", context, status=status)


def _added(request: HttpRequest, sociallogin: SocialLogin, claims: dict[str, Any]) -> User:
    wanted = str(claims.get("preferred_username") or claims.get("name") or "somebody")
    account = sociallogin.account
    try:
        user = provider_people.come_in(
            account.provider,
            account.uid,
            wanted=wanted,
            email=str(claims.get("email", "")),
            by=_actor(request, wanted),
        )
    except IntegrityError as exc:  # they came in twice at once
        raise ImmediateHttpResponse(redirect("accounts:oidc_login")) from exc
    sociallogin.account = user.socialaccount_set.get()  # type: ignore[attr-defined]  # allauth's
    return user


def _confirmed(request: HttpRequest, user: User, sociallogin: SocialLogin) -> HttpResponse:
    """Who is signed in has proved it anew, if it is the same person."""
    if user != request.user:
        return refused(request, error="another person")
    confirm(request)
    return redirect(sociallogin.get_redirect_url(request) or "accounts:account_show")


def _actor(request: HttpRequest, name: str) -> Actor:
    return Actor(
        id=None,
        name=name[:150],
        address=client_address(request),
        request_id=getattr(request, "request_id", ""),
    )
