"""Reference data of Django's own (hydrants), and the log's tables as the admin shows them.

The log's tables are never migrated from here (`managed = False`); of them only a station's names
and place may be edited.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tocsin.core.terms import Datum

DATUMS = [(datum.value, datum.value) for datum in Datum]
LATITUDE = [MinValueValidator(-90), MaxValueValidator(90)]
LONGITUDE = [MinValueValidator(-180), MaxValueValidator(180)]


class Hydrant(models.Model):
    """A water source that a crew can use."""

    number: models.CharField[str, str] = models.CharField(_("number"), max_length=40, unique=True)
    address: models.CharField[str, str] = models.CharField(_("address"), max_length=200, blank=True)
    lat: models.FloatField[float, float] = models.FloatField(_("latitude"), validators=LATITUDE)
    lon: models.FloatField[float, float] = models.FloatField(_("longitude"), validators=LONGITUDE)
    datum: models.CharField[str, str] = models.CharField(
        _("datum"), max_length=10, choices=DATUMS, default=Datum.WGS_84.value
    )
    litres_per_min: models.IntegerField[int | None, int | None] = models.IntegerField(
        _("flow, litres a minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    in_service: models.BooleanField[bool, bool] = models.BooleanField(_("in service"), default=True)
    district: models.CharField[str, str] = models.CharField(_("district"), max_length=40)
    agency: models.CharField[str, str] = models.CharField(_("agency"), max_length=40)
    checked_on: models.DateField[datetime | None, datetime | None] = models.DateField(
        _("last checked"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("hydrant")
        verbose_name_plural = _("hydrants")

    def __str__(self) -> str:
        return self.number


class Station(models.Model):
    """Where units are based: the log's reference table."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True, editable=False)
    name_zh: models.CharField[str, str] = models.CharField(_("Chinese name"), max_length=80)
    name_en: models.CharField[str, str] = models.CharField(_("English name"), max_length=80)
    lat: models.FloatField[float, float] = models.FloatField(_("latitude"), validators=LATITUDE)
    lon: models.FloatField[float, float] = models.FloatField(_("longitude"), validators=LONGITUDE)
    datum: models.CharField[str, str] = models.CharField(_("datum"), max_length=10, choices=DATUMS)
    district: models.CharField[str, str] = models.CharField(_("district"), max_length=40)
    agency: models.CharField[str, str] = models.CharField(_("agency"), max_length=40)

    class Meta:
        managed = False
        db_table = '"ref"."station"'
        verbose_name = _("station")
        verbose_name_plural = _("stations")

    def __str__(self) -> str:
        return self.name_zh or self.name_en


class IncidentRow(models.Model):
    """An incident's read row, to look at."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True)
    number: models.BigIntegerField[int, int] = models.BigIntegerField(_("number"))
    state: models.TextField[str, str] = models.TextField(_("state"))
    type: models.TextField[str, str] = models.TextField(_("type"))
    level: models.SmallIntegerField[int, int] = models.SmallIntegerField(_("level"))
    district: models.TextField[str, str] = models.TextField(_("district"))
    agency: models.TextField[str, str] = models.TextField(_("agency"))
    opened_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(_("opened"))
    closed_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        _("closed"), null=True
    )

    class Meta:
        managed = False
        db_table = '"view"."incident"'
        verbose_name = _("incident")
        verbose_name_plural = _("incidents (read only)")

    def __str__(self) -> str:
        return f"{self.district} {self.number}"


class UnitRow(models.Model):
    """A unit's read row, to look at."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True)
    call_sign: models.TextField[str, str] = models.TextField(_("call sign"))
    kind: models.TextField[str, str] = models.TextField(_("kind"))
    state: models.TextField[str, str] = models.TextField(_("state"))
    district: models.TextField[str, str] = models.TextField(_("district"))
    agency: models.TextField[str, str] = models.TextField(_("agency"))

    class Meta:
        managed = False
        db_table = '"view"."unit"'
        verbose_name = _("unit")
        verbose_name_plural = _("units (read only)")

    def __str__(self) -> str:
        return self.call_sign
