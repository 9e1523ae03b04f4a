"""Numbered SQL, applied in order by `tocsin.record.migrate`; an applied file never changes."""
