"""How passwords are hashed."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with the second recommended choice of RFC 9106 section 4: 64 MiB, three passes.

    What was hashed otherwise is hashed anew when its person signs in.
    """

    time_cost = 3
    memory_cost = 65_536
    parallelism = 4
