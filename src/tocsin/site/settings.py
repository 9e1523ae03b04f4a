"""Django's settings: accounts, admin, sign-in pages and the API. There is no DEBUG.

Everything that differs between installations comes from the environment that the supervisor sets:
TOCSIN_DATA, TOCSIN_DATABASE_URL, TOCSIN_DEMO, TOCSIN_WEB_HOST, TOCSIN_WEB_NAMES, TOCSIN_WEB_TLS,
TOCSIN_WEB_PROXY, TOCSIN_SITE_NAME_ZH, TOCSIN_SITE_NAME_EN, TOCSIN_OBLIGATIONS (JSON),
TOCSIN_PUBLIC (JSON), TOCSIN_INTAKES (JSON), TOCSIN_PROBE, TOCSIN_DISTRICT, TOCSIN_AGENCY,
TOCSIN_HEARD_DAYS, TOCSIN_WARNINGS (JSON), TOCSIN_KEYLESS.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet

from tocsin.apps.citizen.public import Public
from tocsin.apps.secrets import authenticator_key, web_secret
from tocsin.apps.setup import django_database
from tocsin.core.obligations import Obligations
from tocsin.record import retention

DATA = Path(os.environ["TOCSIN_DATA"])
DEMO = os.environ.get("TOCSIN_DEMO") == "1"
SITE_NAME_ZH = os.environ.get("TOCSIN_SITE_NAME_ZH", "")
SITE_NAME_EN = os.environ.get("TOCSIN_SITE_NAME_EN", "")
# The browser speaks TLS to us, or to a declared proxy in front of us.
TLS = os.environ.get("TOCSIN_WEB_TLS") == "1" or bool(os.environ.get("TOCSIN_WEB_PROXY"))

THREADS = 16  # Django requests at work at once, and the database connections they need
OBLIGATIONS = msgspec.json.decode(os.environ.get("TOCSIN_OBLIGATIONS") or "{}", type=Obligations)
PUBLIC = msgspec.json.decode(os.environ.get("TOCSIN_PUBLIC") or "{}", type=Public)
# Ways in as they are set up, for the screen of intakes (site/probe.py).
INTAKES = msgspec.json.decode(os.environ.get("TOCSIN_INTAKES") or "[]")
PROBE_ENABLED = os.environ.get("TOCSIN_PROBE", "0") == "1"
WARNINGS = msgspec.json.decode(os.environ.get("TOCSIN_WARNINGS") or "{}", type=dict[str, str])
HEARD_DAYS = int(os.environ.get("TOCSIN_HEARD_DAYS") or retention.HEARD_DAYS)
# Whose a public report is.
DISTRICT = os.environ.get("TOCSIN_DISTRICT") or "main"
AGENCY = os.environ.get("TOCSIN_AGENCY") or "main"

DEBUG = False
# A process that only migrates runs under an account that may not read the keys, and needs none.
KEYLESS = os.environ.get("TOCSIN_KEYLESS") == "1"
SECRET_KEY = secrets.token_urlsafe(64) if KEYLESS else web_secret(DATA / "keys")
AUTHENTICATOR_KEY = Fernet.generate_key() if KEYLESS else authenticator_key(DATA / "keys")
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *filter(None, [os.environ.get("TOCSIN_WEB_HOST", "")]),
    *filter(None, os.environ.get("TOCSIN_WEB_NAMES", "").split(",")),
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "tocsin.apps.people",
    "tocsin.apps.desk",
    "tocsin.apps.readiness",
    "tocsin.apps.citizen",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "tocsin.apps.desk.problems.documents_only",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tocsin.apps.people.middleware.second_factor",
]
ROOT_URLCONF = "tocsin.site.urls"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tocsin.apps.people.context.site",
            ],
        },
    }
]

DATABASES = {"default": django_database(os.environ["TOCSIN_DATABASE_URL"])}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12_000_000  # site.asgi has its own, narrower limit for the API
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
LOGGING_CONFIG = None  # the process sets up JSON logs before Django starts

# --- time and language ---------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent.parent / "apps" / "locale"]
LANGUAGE_COOKIE_NAME = "tocsin_language"
LANGUAGE_COOKIE_AGE = 365 * 86_400
LANGUAGE_COOKIE_SECURE = TLS
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- who is asking -------------------------------------------------------------------------
AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["tocsin.apps.people.hashing.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "tocsin.apps.people.sessions"
SESSION_COOKIE_AGE = 12 * 3600  # one long shift; a desk must not drop out in the middle of it
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = TLS
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SECURE = TLS
CSRF_FAILURE_VIEW = "tocsin.apps.people.pages.csrf_failed"

ACCOUNT_ADAPTER = "tocsin.apps.people.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = False  # apps.people.attempts: allauth's can lock a dispatcher out
MFA_ADAPTER = "tocsin.apps.people.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "tocsin.apps.people.adapters.ChargedAuthenticateForm",
    "add_webauthn": "tocsin.apps.people.adapters.PasskeyForm",
    "reauthenticate": "tocsin.apps.people.adapters.ChargedReauthenticateForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # nothing to guess; a bound against floods

STATIC_URL = "/static/"
