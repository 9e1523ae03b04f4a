"""Accounts, sessions, tokens and sign-in attempts.

No rule about an incident lives here: a row says who may sign in, as what and for where; what that
allows is decided in `tocsin.core.access`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tocsin.core.terms import Role

ROLES = [
    (Role.CALL_TAKER.value, _("Call-taker")),
    (Role.DISPATCHER.value, _("Dispatcher")),
    (Role.SUPERVISOR.value, _("Supervisor")),
    (Role.CREW.value, _("Crew")),
    (Role.ADMINISTRATOR.value, _("Administrator")),
    (Role.INSPECTOR.value, _("Inspector")),
    (Role.SERVICE.value, _("System service")),
]
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]


class AccountManager(BaseUserManager["Account"]):
    """Finds accounts by username without regard to case, as people type them."""

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(username__iexact=username or "")


class Account(AbstractBaseUser):
    """A person who signs in.

    `districts` empty means every district of the agency. A crew's `unit` is the only unit it may
    speak for.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    username: models.CharField[str, str] = models.CharField(
        _("username"),
        max_length=64,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("An account with this username exists already.")},
    )
    display_name: models.CharField[str, str] = models.CharField(
        _("name shown to others"), max_length=80
    )
    role: models.CharField[str, str] = models.CharField(
        _("role"), max_length=20, choices=ROLES[:-1]
    )
    agency: models.CharField[str, str] = models.CharField(_("agency"), max_length=40)
    districts: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("districts"),
        default=list,
        blank=True,
        help_text=_("Codes, separated by commas. Empty: every district of the agency."),
    )
    unit: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        _("unit"), null=True, blank=True, help_text=_("Crew only: the unit it speaks for.")
    )
    language: models.CharField[str, str] = models.CharField(
        _("language"),
        max_length=10,
        choices=LANGUAGES,
        blank=True,
        default="",
        help_text=_("Empty: the language of the browser."),
    )
    is_active: models.BooleanField[bool, bool] = models.BooleanField(
        _("may sign in"),
        default=True,
        help_text=_("Untick instead of deleting: it ends every session within 5 seconds."),
    )
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(
        _("created"), auto_now_add=True
    )

    objects: ClassVar[AccountManager] = AccountManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name", "role", "agency"]

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("username"), name="account_username_ci")
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def is_staff(self) -> bool:
        """Whether the reference-data screens under /admin/ are open to this account."""
        return self.is_active and self.role == Role.ADMINISTRATOR

    @property
    def is_superuser(self) -> bool:
        return self.is_staff

    def has_perm(self, perm: str, obj: object | None = None) -> bool:  # noqa: ARG002
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002
        return self.is_staff

    _password: str | None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the account; a new password ends every session that the old one opened."""
        password_is_new = self._password is not None and not self._state.adding
        super().save(*args, **kwargs)
        if password_is_new:
            Session.objects.filter(account_id=self.pk).delete()


class Session(AbstractBaseSession):
    """A sign-in. The row itself is the grant that the stream checks by plain SQL, so it names
    its account, which Django's own session table hides inside a signed blob."""

    account_id: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        null=True, db_index=True
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    @classmethod
    def get_session_store_class(cls) -> type[Any]:
        from tocsin.apps.people.sessions import SessionStore

        return SessionStore


class Token(models.Model):
    """An API token of a program or a crew's device. Only its SHA-256 is kept: the token has 256
    random bits, so a slow hash would protect nothing and cost every request."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    name: models.CharField[str, str] = models.CharField(_("name"), max_length=80)
    digest: models.CharField[str, str] = models.CharField(
        max_length=64, unique=True, editable=False
    )
    role: models.CharField[str, str] = models.CharField(_("role"), max_length=20, choices=ROLES)
    agency: models.CharField[str, str] = models.CharField(_("agency"), max_length=40)
    districts: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=40), verbose_name=_("districts"), default=list, blank=True
    )
    unit: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(
        _("unit"), null=True, blank=True
    )
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(
        _("created"), auto_now_add=True
    )
    expires_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        _("expires"), null=True, blank=True
    )
    revoked_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        _("revoked"), null=True, blank=True
    )
    last_used_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        _("last used"), null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name


class Attempt(models.Model):
    """How often something that could be guessed was tried in the window that ends at `ends_at`."""

    key: models.CharField[str, str] = models.CharField(primary_key=True, max_length=200)
    count: models.IntegerField[int, int] = models.IntegerField()
    # Indexed: each attempt clears away counters that are over.
    ends_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_index=True)


class KnownAddress(models.Model):
    """An address from which an account signed in lately: guesses made elsewhere do not close it."""

    account: models.ForeignKey[Account, Account] = models.ForeignKey(
        Account, on_delete=models.CASCADE
    )
    address: models.CharField[str, str] = models.CharField(max_length=45)
    seen_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "address"], name="known_address_once")
        ]


class Notice(models.Model):
    """A text of the operator's own on a page, in both languages."""

    PLACES: ClassVar = [("sign_in", _("Sign-in page"))]

    place: models.CharField[str, str] = models.CharField(
        _("where"), max_length=20, choices=PLACES, unique=True
    )
    text_zh: models.TextField[str, str] = models.TextField(_("Chinese"), max_length=500)
    text_en: models.TextField[str, str] = models.TextField(_("English text"), max_length=500)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")

    def __str__(self) -> str:
        return str(dict(self.PLACES).get(self.place, self.place))
