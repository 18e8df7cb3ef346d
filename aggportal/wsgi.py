"""The portal as a WSGI application, for gunicorn."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from aggportal.web.hardening import harden_process
from aggportal.web.wsgi_door import refuse_extended_content_types

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggportal.settings")
harden_process()
application = refuse_extended_content_types(get_wsgi_application())
