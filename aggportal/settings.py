"""Settings of AggPortal.

Every knob is an environment variable named AGGPORTAL_*; README lists them.
"""

from __future__ import annotations

import os
from pathlib import Path

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from environs import validate

from aggportal.env import default_runtime_dir, email_settings, env, read_or_make_secret
from aggportal.signing_in import *  # noqa: F403  # settings of their own

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.path("AGGPORTAL_DATA", BASE_DIR / "data").resolve()
# The database and the keys live in separate trees, so that a copy of the one does not carry the
# other.
DATABASE_DIR = DATA_DIR / "database"
KEYS_DIR = DATA_DIR / "keys"

DEBUG = env.bool("AGGPORTAL_DEBUG", False)
# HTTPS is assumed; `make run` on loopback says otherwise.
HTTPS = env.bool("AGGPORTAL_HTTPS", True)
SECRET_KEY = env.str("AGGPORTAL_SECRET_KEY", "") or read_or_make_secret(KEYS_DIR / "secret_key")
ALLOWED_HOSTS = env.list("AGGPORTAL_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("AGGPORTAL_TRUSTED_ORIGINS", [])
# Where clients reach this portal ("https://portal.example.org"): for the addresses of revocation
# lists and OCSP in certificates, and for links in notices. Empty: neither.
PUBLIC_URL = env.str("AGGPORTAL_PUBLIC_URL", "").rstrip("/")
# How many reverse proxies in front may be believed about X-Forwarded-For; 0 believes none.
TRUSTED_PROXIES = env.int("AGGPORTAL_TRUSTED_PROXIES", 0)

# The key-encryption key: base64 of 32 bytes in AGGPORTAL_KEK, or a file (mode 0600) that holds it.
# Read plainly: the file is not a `NAME_FILE` secret, its mode is checked when it is opened.
KEK = os.environ.get("AGGPORTAL_KEK", "")
KEK_FILE = env.path("AGGPORTAL_KEK_FILE", KEYS_DIR / "kek")
# `file`: the two above. `passphrase`: the key lies in PASSPHRASE_FILE under a passphrase, and the
# portal starts sealed until an administrator says it.
KEY_PROVIDER = env.str(
    "AGGPORTAL_KEY_PROVIDER", "file", validate=validate.OneOf(["file", "passphrase"])
)
PASSPHRASE_FILE = env.path("AGGPORTAL_PASSPHRASE_FILE", KEYS_DIR / "kek-under-passphrase.json")
# What one guess of the passphrase costs (Argon2id): MiB of memory, and passes over it.
PASSPHRASE_MEMORY_MIB = env.int("AGGPORTAL_PASSPHRASE_MEMORY_MIB", 256)
PASSPHRASE_PASSES = env.int("AGGPORTAL_PASSPHRASE_PASSES", 3)
# Where an unsealed key is handed to the portal's processes: a folder in memory, of mode 0700.
RUNTIME_DIR = env.path("AGGPORTAL_RUNTIME_DIR", default_runtime_dir(DATA_DIR))
# Folders that are copied as a whole; a key in one of them is refused.
KEYS_APART_FROM: list[Path] = []
# A token for authorities' keys: the PKCS#11 module, the token's label and its PIN. Empty: none.
PKCS11_MODULE = env.str("AGGPORTAL_PKCS11_MODULE", "")
PKCS11_TOKEN = env.str("AGGPORTAL_PKCS11_TOKEN", "")
PKCS11_PIN = env.str("AGGPORTAL_PKCS11_PIN", "")
# The ledger's key, in the same form: it authenticates entries and signs checkpoints.
LEDGER_KEY = os.environ.get("AGGPORTAL_LEDGER_KEY", "")
LEDGER_KEY_FILE = env.path("AGGPORTAL_LEDGER_KEY_FILE", KEYS_DIR / "ledger")
# Where checkpoints of the ledger are anchored: file:/path, https://…, syslog://host:port,
# configmap:CLUSTER/NAMESPACE/NAME. Two of them, out of reach of whoever owns the database.
LEDGER_ANCHORS: list[str] = env.list("AGGPORTAL_LEDGER_ANCHORS", [])
# After so many hours in which too few of them heard of new entries, nothing is signed any more.
LEDGER_ANCHOR_HOURS = env.int(
    "AGGPORTAL_LEDGER_ANCHOR_HOURS", 4, validate=validate.Range(min=1, max=168)
)
# By so much the clock may stand behind what was seen before anything is refused.
CLOCK_BACK_SECONDS = 120

# Networks (CIDR) that outgoing connections may reach; empty means every address that is not denied.
EGRESS_ALLOW: list[str] = env.list("AGGPORTAL_EGRESS_ALLOW", [])
# Networks (CIDR) denied on top of link-local, multicast, unspecified and reserved ones.
EGRESS_DENY: list[str] = env.list("AGGPORTAL_EGRESS_DENY", [])
# Ports that a scan may connect to. Below 1024 those where TLS begins at once (https, smtps, nntps,
# ldaps, DNS, ftps, telnets, imaps, pop3s); above, since Kubernetes' services listen anywhere there.
SCAN_PORTS: list[str] = env.list(
    "AGGPORTAL_SCAN_PORTS",
    ["443", "465", "563", "636", "853", "989", "990", "992", "993", "995", "1024-65535"],
)
SCANS_PER_MINUTE = env.int("AGGPORTAL_SCANS_PER_MINUTE", 10)
# How often a minute one person may issue, import, inspect and the like in one process; 0: always.
COSTLY_PER_MINUTE = env.int("AGGPORTAL_COSTLY_PER_MINUTE", 120, validate=validate.Range(min=0))
# How many days the history of availability and of findings is kept.
HISTORY_DAYS = env.int("AGGPORTAL_HISTORY_DAYS", 90, validate=validate.Range(min=1, max=3650))

# How many hours whoever must approve something has, before it has to be proposed anew.
APPROVAL_HOURS = env.int("AGGPORTAL_APPROVAL_HOURS", 24, validate=validate.Range(min=1, max=720))

# How mail leaves: smtp://, submission:// (STARTTLS) or smtps:// with user:password@host:port, or
# console:. Empty: it does not.
_mail = email_settings(env.str("AGGPORTAL_EMAIL_URL", ""))
EMAIL_CONFIGURED = _mail.configured
EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = _mail.backend, _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.starttls, _mail.tls
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("AGGPORTAL_EMAIL_FROM", "aggportal@localhost")

INSTALLED_APPS = [
    "aggportal.accounts.admin_config.ReadingRoomConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "aggportal.web",
    "aggportal.accounts",
    "aggportal.vault",
    "aggportal.ledger",
    "aggportal.certs",
    "aggportal.clusters",
    "aggportal.notices",
    "aggportal.anchors",
    "aggportal.backups",
    "aggportal.snippets",
    "aggportal.scans",
    "aggportal.dashboard",
]

MIDDLEWARE = [
    "aggportal.web.browsers.browser_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "aggportal.web.middleware.request_id",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "aggportal.web.middleware.Languages",
    "django.middleware.common.CommonMiddleware",
    "aggportal.web.browsers.refuse_foreign_sites",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "aggportal.web.middleware.refuse_odd_bodies",
    "allauth.account.middleware.AccountMiddleware",
    "aggportal.accounts.sessions.SessionLimits",
    "aggportal.accounts.middleware.SignInRequired",
    "aggportal.accounts.middleware.require_new_password",
    "aggportal.accounts.second_factor.require_second_factor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "aggportal.web.middleware.answer_refusals",
]

ROOT_URLCONF = "aggportal.urls"
WSGI_APPLICATION = "aggportal.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # The second folder lets a template include a vendored icon as `icons/key.svg`.
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "static/vendor/bootstrap-icons"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "aggportal.web.context.appearance",
                "aggportal.accounts.context.role",
                "aggportal.certs.context.waiting",
                "aggportal.vault.context.sealing",
            ],
            "builtins": ["aggportal.web.templatetags.portal"],
        },
    },
]

SQLITE_OPTIONS = {
    "timeout": 20,
    # A transaction that reads before it writes would fail with "database is locked" in any other
    # mode.
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}


def _database() -> dict[str, object]:
    url = env.str("DATABASE_URL", "")
    if url:
        parsed: dict[str, object] = dict(
            dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
        )
    else:
        DATABASE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        parsed = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATABASE_DIR / "aggportal.sqlite3"),
        }
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["OPTIONS"] = SQLITE_OPTIONS
        # The log in WAL mode goes with the last connection, and a full disk lets no new one be
        # made: what is kept open still reads then, so that lists are served.
        parsed["CONN_MAX_AGE"] = 60
    return parsed


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "dashboard:dashboard_show"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "aggportal/locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env.path("AGGPORTAL_STATIC", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# A pasted kubeconfig or certificate is small; a larger body is refused before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
# A whole certdb of cfssl's; it holds no secret and waits on the disk while it is read. In bytes.
LARGE_BODIES = {"/certificates/import/certdb/": 61_000_000}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
        "worker-src": [NONE],
        "manifest-src": [NONE],
        # Nothing here leads to plain HTTP; what somebody typed does not either.
        "upgrade-insecure-requests": HTTPS,
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Lax, so that the way back from a sign-in elsewhere (OIDC) and links in mails find the session.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
if HTTPS:
    # A browser takes these names from this host alone, over HTTPS, for every path.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
DEFAULT_EXCEPTION_REPORTER_FILTER = "aggportal.web.reporting.SecretsKept"
CSRF_FAILURE_VIEW = "aggportal.web.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
# Who checks a certificate fetches lists and answers over plain HTTP; what is sent there is signed.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^pki/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if env.bool("AGGPORTAL_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "aggportal.web.logs.SafeLines",
            "format": "{levelname} {name} {message}",
            "style": "{",
        }
    },
    "filters": {"feed_tokens": {"()": "aggportal.notices.logs.FeedTokensHidden"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["feed_tokens"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.str("AGGPORTAL_LOG_LEVEL", "INFO").upper()},
}
