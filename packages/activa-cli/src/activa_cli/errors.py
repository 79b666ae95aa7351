"""What goes wrong for a reason that the user can mend."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Bad input; the message says what was wrong and what to do about it."""
