"""How allauth behaves here: no self-made accounts, our own attempt limits, encrypted secrets."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from cryptography.fernet import Fernet
from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tocsin.apps.people import attempts
from tocsin.apps.people.models import Account

FRESH_SECONDS = 300
TOO_MANY = _("Too many attempts from this address. Wait five minutes, or sign in with a passkey.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Username and password, charged to their source before they are tried."""

    error_messages = {  # noqa: RUF012
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The username or the password is wrong."),
        "too_many_login_attempts": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR") or "")

    def post_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse:
        """Every step is done: this device and address are known from now on."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        attempts.remember(request, response, user)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        charged = attempts.charge(request, str(credentials.get("username", "")))
        if charged is None:
            raise self.validation_error("too_many_login_attempts")
        self._charged = charged

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            attempts.forgive(self._charged)
        return user

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within minutes of a complete sign-in: asking for the password twice in a minute
        teaches people to type it without looking."""
        records = get_authentication_records(self.request, self.request.user)
        if records and time.time() - records[-1]["at"] < FRESH_SECONDS:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps one-time-password seeds and recovery seeds unreadable in the database alone."""

    def encrypt(self, text: str) -> str:
        return Fernet(settings.AUTHENTICATOR_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return Fernet(settings.AUTHENTICATOR_KEY).decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return f"Tocsin {settings.SITE_NAME_EN}".rstrip()

    def generate_authenticator_name(self, user: Account, type: str) -> str:  # noqa: A002
        """A name to start from; the person gives a better one."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)s") % {"number": number}

    def _get_site_name(self) -> str:
        return settings.SITE_NAME_EN or "Tocsin"


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new key is a passkey unless its owner says that it only confirms the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True


class _ChargedCode(forms.Form):
    """A code is guessable too: it is charged like a password, to its source."""

    user: Any

    def clean_code(self) -> str:
        from allauth.core import context

        charged = attempts.charge(context.request, self.user.username)
        if charged is None:
            raise ValidationError(TOO_MANY)
        code: str = super().clean_code()  # type: ignore[misc]
        attempts.forgive(charged)
        return code


class ChargedAuthenticateForm(_ChargedCode, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class ChargedReauthenticateForm(_ChargedCode, ReauthenticateForm):  # type: ignore[misc]
    """A code asked again before something sensitive."""
