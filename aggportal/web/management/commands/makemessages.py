"""Django's makemessages, which also gathers the sentences that the cores mark with `_n`."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=_n"]
