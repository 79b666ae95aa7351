"""What happens to the large buffers that a training step frees and wants again in the next one."""

from __future__ import annotations

from activa_kernels import _native


def keep_freed_memory() -> str | None:
    """Make the C library's allocator keep freed memory instead of giving it back to the system.

    Memory that was given back is cleared page by page when it is wanted again. The setting holds
    for the whole process, which then stays as large as it ever was: it is for a program that
    trains, not for one that predicts beside other work.

    Returns
    -------
    str or None
        None if it is done; otherwise the reason why nothing has changed.

    Examples
    --------
    >>> reason = keep_freed_memory()
    """
    if _native.library is None:
        return _native.reason
    return None if _native.library.keep_freed_memory() else "only glibc's allocator can be told to"
