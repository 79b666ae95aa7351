"""What goes wrong for a reason that the user can mend."""

__all__ = ["CheckpointError", "InputError", "TrainingError"]


class InputError(ValueError):
    """Bad input; the message says what was wrong and what to do about it."""


class CheckpointError(InputError):
    """A checkpoint cannot be read or written."""


class TrainingError(InputError):
    """Training cannot go on."""
