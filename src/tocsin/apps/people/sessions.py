"""The session store: Django's database one, plus the account a session belongs to, and with only a
digest of its key: who reads the table, or a copy of it, cannot be anybody."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from tocsin.apps.people.models import Session

CLEARED_AT_ONCE = 20


def digest(key: str) -> str:
    """What is stored of a session's key: 160 bits of its SHA-256, which fill Django's column. The
    key is random, so a slow hash would protect nothing. `edge/asking.py` computes the same."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Writes `account_id` beside the signed data (Django documents this extension)."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        assert isinstance(row, Session)
        row.session_key = digest(row.session_key)
        account = data.get(SESSION_KEY)
        row.account_id = UUID(account) if account else None
        return row

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        found = Session.objects.filter(
            session_key=digest(key or ""), expire_date__gt=timezone.now()
        ).first()
        if found is None:
            self._session_key = None  # as Django does: a key that we did not give is not taken over
        return found

    def save(self, must_create: bool = False) -> None:
        """Also clears away a few sessions that nobody ended and whose time is over."""
        super().save(must_create)
        if must_create:
            over = Session.objects.filter(expire_date__lt=timezone.now()).values("pk")
            Session.objects.filter(pk__in=over[:CLEARED_AT_ONCE]).delete()

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key if session_key is not None else self.session_key
        if key is not None:
            Session.objects.filter(session_key=digest(key)).delete()
