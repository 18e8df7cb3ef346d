"""Settings of signing in: passwords, lockout, sessions, second factors, single sign-on.

`settings` takes all of them over. Every knob is an environment variable; README lists them.
"""

from __future__ import annotations

import json
from typing import Any

from environs import validate

from aggportal.env import env

PASSWORD_HASHERS = [
    "aggportal.accounts.hashing.Argon2",
    # What was hashed before; hashed anew at the next sign-in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

# How long a sign-in counts as a proof of who sits there, for deeds of weight. In seconds.
CONFIRM_SECONDS = env.int(
    "AGGPORTAL_CONFIRM_SECONDS", 300, validate=validate.Range(min=30, max=86400)
)
# A session ends after so much time without a request of a person's, and after so much altogether.
SESSION_IDLE_MINUTES = env.int(
    "AGGPORTAL_SESSION_IDLE_MINUTES", 15, validate=validate.Range(min=1, max=1440)
)
SESSION_HOURS = env.int("AGGPORTAL_SESSION_HOURS", 8, validate=validate.Range(min=1, max=168))
SESSION_COOKIE_AGE = SESSION_HOURS * 60 * 60
SESSION_COOKIE_SAMESITE = "Lax"

# Who must have a second factor: nobody, who can change something, everybody.
SECOND_FACTOR = env.str(
    "AGGPORTAL_SECOND_FACTOR",
    "optional",
    validate=validate.OneOf(["optional", "required-for-power", "required"]),
)

# Failed tries are counted in the database, so that all processes count the same.
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Beyond it a third is dropped, counts of failed tries among them.
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    }
}
# django-allauth: tries by name ("key") and by address ("ip").
ACCOUNT_RATE_LIMITS = {"login_failed": "30/15m/ip,5/15m/key"}
# A sign-in by passkey asks twice: for the challenge, and with the answer.
MFA_RATE_LIMITS = {"webauthn_login": "20/m/ip"}
ACCOUNT_ADAPTER = "aggportal.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# A first step that is not followed by the second within this time is forgotten. In seconds.
ACCOUNT_LOGIN_TIMEOUT = 300
MFA_ADAPTER = "aggportal.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODE_DIGITS = 10
# A code of half a minute ago still counts: clocks of telephones differ.
MFA_TOTP_TOLERANCE = 1

# Single sign-on. Empty: none. The issuer is the address under which the provider answers
# /.well-known/openid-configuration.
OIDC_ISSUER = env.str("AGGPORTAL_OIDC_ISSUER", "")
OIDC_CLIENT_ID = env.str("AGGPORTAL_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("AGGPORTAL_OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("AGGPORTAL_OIDC_NAME", "") or "single sign-on"
OIDC_SCOPES: list[str] = env.list("AGGPORTAL_OIDC_SCOPES", ["openid", "profile", "email"])
OIDC_GROUPS_CLAIM = env.str("AGGPORTAL_OIDC_GROUPS_CLAIM", "groups")
# Which groups of the provider have which roles: `admins=administrator,web=issuer@authority:web`.
# Or the same as a JSON list, for groups with a comma in their names.
_roles = env.str("AGGPORTAL_OIDC_ROLES", "").strip()
OIDC_ROLES: list[str] = (
    [str(each) for each in json.loads(_roles)] if _roles.startswith("[") else _roles.split(",")
)
# PEM of the only authorities that the provider's certificate is trusted from; empty: the system's.
OIDC_CA = env.str("AGGPORTAL_OIDC_CA", "")
SOCIALACCOUNT_ADAPTER = "aggportal.accounts.single_sign_on.ProviderAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
