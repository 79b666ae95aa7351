"""How many kernels a step asks a GPU to run; counted on any machine, as nothing depends on values."""

from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FREE = ("aten::detach", "aten::empty", "aten::new_empty", "aten::_unsafe_view")  # no kernel


class Launches:
    """Counts, while it is entered: an operation of torch as one kernel, ours as what Triton launches.

    Ours are seen where a gradient is asked for: what needs none goes past torch's dispatcher. Without
    a GPU nothing of ours is computed meanwhile, so what comes out is no number to use.

    Attributes
    ----------
    number : int
        Kernels so far.
    """

    def __init__(self) -> None:
        self.number = 0
        self._mode = _Mode(self)

    def __enter__(self) -> Self:
        self._mode.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mode.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, counted: Launches) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counted = counted

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.name()
        if name.startswith("activa::"):
            return self._by_triton(func, args)
        if not (func.is_view or name.startswith(FREE)):
            self._counted.number += 1
        return func(*args, **(kwargs or {}))

    def _by_triton(self, func: Any, args: tuple[Any, ...]) -> Any:
        from triton.runtime.jit import JITFunction

        launch: Any = JITFunction.run

        def count(kernel: Any, *arguments: Any, **options: Any) -> Any:
            self._counted.number += 1
            return launch(kernel, *arguments, **options) if torch.cuda.is_available() else None

        with patch.object(JITFunction, "run", count):
            return func(*("triton" if isinstance(a, str) and a == "native" else a for a in args))
