"""How passwords are hashed: Argon2id with OWASP's smallest recommended cost (19 MiB, 2 passes, one
lane). Django's default takes 100 MiB a guess, which sixteen guessers at once would make 1.6 GB."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """A hash of another cost is replaced at the next sign-in."""

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1
