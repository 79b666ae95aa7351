"""activa info: what is installed, what runs here, and which models there are."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from activa_cli.console import grid, number, show

if TYPE_CHECKING:
    from activa_core.checkpoint import ModelCard
    from activa_core.config import ModelConfig

PACKAGES = ("activa-sim", "activa-kernels", "activa-eval", "activa-core", "activa-cli")
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd")


def info(
    model: Annotated[
        str | None, typer.Argument(help="Name or path of a model; without, an overview.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Show versions, what runs on this machine, and the models, or one model's card."""
    if model is not None:
        from activa_core import Activa

        asked = Activa.from_pretrained(model)
        answer = describe(asked.config, asked.card)
        show(answer if as_json else _as_lines(answer), as_json=as_json)
        return
    machine = this_machine()
    models = shipped_cards()
    if as_json:
        show({**machine, "models": models}, as_json=True)
        return
    show(_as_lines(machine), as_json=False)
    show(_models(models), as_json=False)


def this_machine() -> dict[str, Any]:
    """Versions and what the kernels run on."""
    import torch
    from activa_kernels import backend

    return {
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "backend": str(backend()),
        "processor": processor(),
        "instruction sets": ", ".join(instruction_sets()) or "unknown",
        "cores": os.cpu_count(),
    }


def shipped_cards() -> dict[str, dict[str, Any]]:
    """Cards of the models inside activa-core, without their weights."""
    from activa_core.checkpoint import read_card
    from activa_core.predict import shipped_models

    return {name: describe(*read_card(path)) for name, path in shipped_models().items()}


def describe(config: "ModelConfig", card: "ModelCard") -> dict[str, Any]:
    """Return what a model is and what it was trained on."""
    from activa_core.model import count_parameters

    return {
        "parameters": count_parameters(config),
        **card.model_dump(mode="json", exclude={"recipe"}),
        "config": config.model_dump(mode="json"),
        "recipe": card.recipe,
    }


def processor() -> str:
    """Name of the processor."""
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> list[str]:
    """Vector instruction sets of this processor that matter to the kernels."""
    flags = {
        f for line in _cpuinfo() if line.startswith(("flags", "Features")) for f in line.split()
    }
    return [name for name in INSTRUCTION_SETS if name in flags]


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return []


def _as_lines(answer: dict[str, Any]) -> str:
    """Write one line an entry; what is nested is left to --json, but for the metrics."""
    flat = {name: value for name, value in answer.items() if not isinstance(value, dict)}
    flat |= {name: number(value) for name, value in answer.get("metrics", {}).items()}
    width = max(map(len, flat))
    indent = "\n" + " " * (width + 2)  # for a value of several lines
    lines = (
        f"{name:<{width}}  " + str(value).replace("\n", indent) for name, value in flat.items()
    )
    return "\n".join(lines)


def _models(models: dict[str, dict[str, Any]]) -> Any:
    head = ("model", "variables", "rows", "do-values", "parameters", "models seen", "held-out NLL")
    rows = []
    for name, found in models.items():
        config, (fewest, most) = found["config"], found["n_samples"]
        widest = found["value_range"]
        values = ", ".join(f"{v:g}" for v in config["trained_values"])
        rows.append(
            (
                name,
                _range(config["min_variables"], config["max_variables"]),
                _range(fewest, most),
                values if widest is None else f"mean +- {widest:g} sd",
                f"{found['parameters']:,}",
                f"{found['models_seen']:,}",
                number(found["metrics"].get("held_out_nll")),
            )
        )
    return grid("\nModels", head, rows)


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
