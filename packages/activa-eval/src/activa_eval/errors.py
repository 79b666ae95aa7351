"""The one error of this package that tells a caller what to change."""


class InputError(ValueError):
    """An argument is wrong; the message says which one and what to do."""
