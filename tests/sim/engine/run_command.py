"""The command over a made city, as a fixture gives it."""

from collections.abc import Callable

Command = Callable[..., int]
