"""What a report of a fault must not tell, be it Django's debug page."""

from __future__ import annotations

import re

from django.views.debug import SafeExceptionReporterFilter


class SecretsKept(SafeExceptionReporterFilter):
    """Django's own filter, and the names of ours that it does not take for secrets."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|KEK|LEDGER_KEY|DATABASE_URL",
        re.IGNORECASE,
    )
