"""An empty picture, and its file: matplotlib is imported only where something is drawn."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from activa_core.errors import InputError
from activa_core.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "write_figure"]


def new_figure(**options: Any) -> "Figure":
    """Begin a picture with the options of `matplotlib.figure.Figure`.

    Raises
    ------
    InputError
        If matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            'drawing needs matplotlib; install it with pip install "activa-core[plot]"'
        ) from None
    return Figure(**options)


def write_figure(figure: "Figure", path: Path, **options: Any) -> None:
    """Write a picture in the format that the name of its file says, whole or not at all.

    `options` are those of `Figure.savefig`.

    Raises
    ------
    OSError
        If the file cannot be written; what stood there before is untouched.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix.lower().removeprefix("."), **options)
    write_whole(path, drawn.getvalue())
