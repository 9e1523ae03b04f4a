"""What an administrator does to accounts and tokens, for the command line and the screens.

Call `tocsin.apps.setup.start_django()` first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from tocsin.apps.people.models import Account, Session, Token
from tocsin.core.terms import Role

TOKEN_PREFIX = "tocsin_"  # noqa: S105  (lets secret scanners find a leaked one)


def new_password() -> str:
    """A random password that can be read out: 5 groups of 4, 98 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(5))


def create_account(
    username: str,
    *,
    role: Role,
    agency: str,
    display_name: str = "",
    districts: Sequence[str] = (),
    unit: UUID | None = None,
    language: str = "",
    password: str | None = None,
) -> tuple[Account, str]:
    """A new account and its password (made when none is given).

    Raises `django.core.exceptions.ValidationError` for a username that exists or is malformed, or
    a password that is too weak.
    """
    account = Account(
        username=username,
        display_name=display_name or username,
        role=role.value,
        agency=agency,
        districts=list(districts),
        unit=unit,
        language=language,
    )
    if password is not None:
        validate_password(password, account)
    password = password or new_password()
    account.set_password(password)
    account.full_clean()
    account.save()
    return account, password


def create_administrator(
    username: str, *, agency: str, display_name: str = "", password: str | None = None
) -> tuple[Account, str]:
    """The first administrator, who makes all other accounts on the screens."""
    return create_account(
        username,
        role=Role.ADMINISTRATOR,
        agency=agency,
        display_name=display_name,
        password=password,
    )


def digest_of(token: str) -> str:
    """How a token is stored and looked up: SHA-256, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token_secret() -> str:
    """A fresh token: 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def create_token(
    name: str,
    *,
    role: Role,
    agency: str,
    districts: Sequence[str] = (),
    unit: UUID | None = None,
    days: int | None = 365,
) -> tuple[Token, str]:
    """A new API token: its row and the token itself, which nobody can read again.

    `days` None means that it does not expire. A crew's token must name its unit.
    """
    if role is Role.CREW and unit is None:
        raise ValidationError("A crew's token must name the unit it speaks for.")
    secret = new_token_secret()
    row = Token(
        name=name,
        digest=digest_of(secret),
        role=role.value,
        agency=agency,
        districts=list(districts),
        unit=unit,
        expires_at=None if days is None else timezone.now() + timedelta(days=days),
    )
    row.full_clean()
    row.save()
    return row, secret


def revoke_token(token: UUID) -> bool:
    """Ends a token; open streams that use it close within 5 s. False when there is none."""
    return bool(Token.objects.filter(pk=token, revoked_at=None).update(revoked_at=timezone.now()))


def end_sessions(account: Account) -> int:
    """Signs an account out everywhere; the number of sessions ended."""
    return Session.objects.filter(account_id=account.pk).delete()[0]


@transaction.atomic
def reset_authenticators(username: str) -> int:
    """For someone who lost phone and key: removes every second factor and signs the account out.

    Returns how many were removed. At the next sign-in the account must enrol again. Raises
    `Account.DoesNotExist`.
    """
    account = Account.objects.get(username__iexact=username)
    removed: int = Authenticator.objects.filter(user_id=account.pk).delete()[0]
    end_sessions(account)
    return removed
