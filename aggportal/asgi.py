"""The portal as an ASGI application, for servers that speak nothing else."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from aggportal.web.hardening import harden_process

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggportal.settings")
harden_process()
application = get_asgi_application()
