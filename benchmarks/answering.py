"""How a process of a benchmark answers: one request a line on stdin, one answer on stdout."""

import json
import sys
from collections.abc import Callable
from typing import Any


def answer_requests(make: Callable[[dict[str, Any]], object]) -> None:
    """Answer until stdin ends, by methods of what `make` makes of the settings."""
    worker = make(json.loads(sys.argv[1]))
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"answer": getattr(worker, request.pop("do"))(**request)}
        except Exception as error:  # noqa: BLE001 - a way that fails is a row that says so
            answer = {"error": (str(error) or type(error).__name__).splitlines()[0]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
