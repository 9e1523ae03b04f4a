"""Tocsin: from the alarm signal to the unit back in its station, in one record."""
