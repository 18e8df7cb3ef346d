"""Make the first administrator of a new installation."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from aggportal.accounts.models import User
from aggportal.accounts.roles import Role
from aggportal.accounts.services import add_person
from aggportal.web.actors import system_actor


class Command(BaseCommand):
    """Prints a one-time password once; does nothing where anybody can sign in already."""

    help = "Make the first administrator and print a one-time password, unless there are people."

    def handle(self, *args: object, **options: object) -> None:
        if User.objects.exists():
            return
        user, password = add_person(
            "admin", role=Role.ADMINISTRATOR, by=system_actor("make_first_administrator")
        )
        self.stdout.write(
            "\n"
            f"    First administrator:  {user.username}\n"
            f"    One-time password:    {password}\n"
            "    It is shown this once and changed when you first sign in.\n"
        )
