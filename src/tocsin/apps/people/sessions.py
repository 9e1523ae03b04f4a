"""The session store: Django's database one, plus the account a session belongs to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from tocsin.apps.people.models import Session


class SessionStore(DatabaseStore):
    """Writes `account_id` beside the signed data (Django documents this extension)."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        assert isinstance(row, Session)
        account = data.get(SESSION_KEY)
        row.account_id = UUID(account) if account else None
        return row
