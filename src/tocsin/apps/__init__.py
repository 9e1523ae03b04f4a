"""The screens and the API: Django, one app per kind of person."""
