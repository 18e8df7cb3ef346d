"""What `manage.py check --deploy` says of signing in."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def a_password_is_not_all(**_: object) -> list[CheckMessage]:
    """Who can sign with a CA has a second factor."""
    if settings.SECOND_FACTOR != "optional":
        return []
    return [
        Warning(
            "A second factor is optional: a stolen password is enough to sign with a CA.",
            hint="AGGPORTAL_SECOND_FACTOR=required-for-power asks it of who can change something.",
            id="accounts.W001",
        )
    ]
