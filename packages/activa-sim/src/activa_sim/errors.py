"""The one error that a user of this package is meant to see."""


class InputError(ValueError):
    """Something given from outside cannot be used; the message says what to do instead."""
