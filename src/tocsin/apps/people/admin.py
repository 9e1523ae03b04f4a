"""Accounts and tokens under /admin/, within the administrator's agency and districts. A password or
token made here is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tocsin.apps.people import accounts
from tocsin.apps.people.models import Account, Notice, Token
from tocsin.apps.people.scope import GrantReach, actor_behind

if TYPE_CHECKING:
    NoticeScreens = admin.ModelAdmin[Notice]
else:  # Django's class is generic for the type checker only
    NoticeScreens = admin.ModelAdmin

# What an administrator may not change about himself: a second one does, who is seen to do it.
OWN_REACH = ("role", "agency", "districts", "unit", "is_active")


@admin.register(Account)
class AccountAdmin(GrantReach):
    """Makes accounts with a random first password; resets what a person has lost."""

    list_display = ("username", "display_name", "role", "agency", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "display_name")
    fields = (
        "username",
        "display_name",
        "role",
        "agency",
        "districts",
        "unit",
        "language",
        "is_active",
    )
    actions = ("new_passwords", "remove_authenticators")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Account | None = None
    ) -> tuple[str, ...]:
        return OWN_REACH if obj is not None and obj.pk == request.user.pk else ()

    def save_model(
        self, request: HttpRequest, obj: Account, form: ModelForm[Account], change: bool
    ) -> None:
        if not change:
            self._give_password(request, obj)
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            accounts.end_sessions(obj)

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Account | None = None,  # noqa: ARG002
    ) -> bool:
        """Never: facts name the account. An account is closed by unticking "may sign in"."""
        return False

    @admin.action(description=_("Give a new random password and sign out everywhere"))
    def new_passwords(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            self._give_password(request, account)
            account.save()
            self.log_change(request, account, "new password")

    @admin.action(description=_("Remove every second factor (lost phone or key)"))
    def remove_authenticators(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            accounts.reset_authenticators(account.username)
            self.log_change(request, account, "second factors removed")
            self.message_user(
                request,
                _("%(name)s must enrol a second factor again at the next sign-in.")
                % {"name": account.username},
            )

    def _give_password(self, request: HttpRequest, account: Account) -> None:
        password = accounts.new_password()
        account.set_password(password)
        self.message_user(
            request,
            _("Password of %(name)s, shown only now: %(password)s")
            % {"name": account.username, "password": password},
            messages.WARNING,
        )


@admin.register(Token)
class TokenAdmin(GrantReach):
    """API tokens: made, listed and revoked; never changed and never shown again."""

    list_display = (
        "name",
        "role",
        "agency",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("role",)
    search_fields = ("name",)
    fields = ("name", "role", "agency", "districts", "unit", "expires_at")
    actions = ("revoke",)

    def save_model(
        self,
        request: HttpRequest,
        obj: Token,
        form: ModelForm[Token],
        change: bool,
    ) -> None:
        secret = accounts.new_token_secret()
        obj.digest = accounts.digest_of(secret)
        super().save_model(request, obj, form, change)
        self.message_user(
            request,
            _("Token “%(name)s”, shown only now: %(token)s") % {"name": obj.name, "token": secret},
            messages.WARNING,
        )

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Token | None = None,  # noqa: ARG002
    ) -> bool:
        return False

    @admin.action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        for token in queryset:
            accounts.revoke_token(token.pk)
            self.log_change(request, token, "revoked")


@admin.register(Notice)
class NoticeAdmin(NoticeScreens):
    """The operator's own texts. They are the whole site's: who is limited to districts reads."""

    list_display = ("place", "text_zh", "text_en")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not actor_behind(request).districts

    def has_change_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return super().has_change_permission(request, obj) and not actor_behind(request).districts

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not actor_behind(request).districts
