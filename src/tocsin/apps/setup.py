"""Starting Django from a plain program: the command line, tests, the supervisor's steps."""

from __future__ import annotations

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict


def start_django() -> None:
    """Loads the settings and the apps. `TOCSIN_DATA` and `TOCSIN_DATABASE_URL` must be set;
    may be called more than once."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


# The last: a request that hangs in the middle of a transaction holds no lock for ever.
_LIMITS = "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"


def django_database(url: str) -> dict[str, Any]:
    """A libpq URL as an entry of Django's DATABASES: a lost database is an error within two
    seconds, never a hang."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}
    database: dict[str, Any] = {name: parts.pop(key, "") for key, name in known.items()}
    options = parts.pop("options", "")
    return {
        **database,
        "ENGINE": "django.db.backends.postgresql",
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            "connect_timeout": 2,
            "tcp_user_timeout": 3_000,
            **parts,
            "options": f"{options} {_LIMITS}".strip(),
        },
    }
