"""The one error of this package that tells a caller what to change."""

from __future__ import annotations


class InputError(ValueError):
    """An argument or an environment variable is unusable; the message says why and what to do."""
