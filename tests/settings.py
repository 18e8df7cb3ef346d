"""The settings for tests: throw-away data, plain HTTP, cheap passwords, no hashed file names."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Parallel workers inherit the folder from the process that made it; only that one removes it.
if "AGGPORTAL_TEST_DATA" not in os.environ:
    os.environ["AGGPORTAL_TEST_DATA"] = tempfile.mkdtemp(prefix="aggportal-tests-")
    atexit.register(shutil.rmtree, os.environ["AGGPORTAL_TEST_DATA"], ignore_errors=True)
os.environ["AGGPORTAL_DATA"] = os.environ["AGGPORTAL_TEST_DATA"]
os.environ["AGGPORTAL_HTTPS"] = "false"
os.environ["AGGPORTAL_COSTLY_PER_MINUTE"] = "0"
os.environ["AGGPORTAL_KEK"] = "dGhlIGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVzISE="
os.environ["AGGPORTAL_LEDGER_KEY"] = "dGhlIGxlZGdlcidzIGtleSBvZiB0aGUgdGVzdHMgMzI="

from aggportal.settings import *  # noqa: F403 -- the environment above comes first
from aggportal.settings import DATA_DIR, DATABASES, STATIC_ROOT

# Tests sign at moments of their own choosing; tests of the clock want the real strictness.
CLOCK_BACK_SECONDS = 100 * 365 * 24 * 60 * 60
# A database file, as in production, so that threads meet SQLite's real locks.
if "sqlite3" in str(DATABASES["default"]["ENGINE"]):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
# The real hasher takes a tenth of a second per login on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Failed tries are counted in the test's own process.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# live_server serves the files as they stand in static/.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Whitenoise warns where the collected files' folder is missing.
STATIC_ROOT.mkdir(exist_ok=True)
