"""Who signs in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property


class User(AbstractUser):
    """A person. What they may do stands in `roles`, as Django groups."""

    must_change_password = models.BooleanField(
        default=False,
        help_text="Set with a one-time password; cleared when the person chooses their own.",
    )

    @cached_property
    def group_names(self) -> frozenset[str]:
        """The names of the groups, read once per request."""
        return frozenset(self.groups.values_list("name", flat=True))
