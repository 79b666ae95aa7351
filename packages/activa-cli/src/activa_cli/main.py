"""The `activa` command: one sub-command a file, each importable by itself."""

import typer

from activa_cli.ablate import ablate
from activa_cli.bench import bench
from activa_cli.console import OneSentence
from activa_cli.evaluate import evaluate
from activa_cli.info import info
from activa_cli.predict import predict
from activa_cli.reproduce import reproduce
from activa_cli.simulate import simulate
from activa_cli.train import train

app = typer.Typer(
    cls=OneSentence,
    help="Predict what an intervention does, from observational data alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Example: activa predict data.csv --do X=5",
)

app.command(epilog="Example: activa predict data.csv --do X=5 --plot effect.png")(predict)
app.command(epilog="Example: activa info general-2")(info)
app.command(epilog="Example: activa simulate gauss-2 --models 100 --samples 40 --out data.npz")(
    simulate
)
app.command(epilog="Example: activa train gauss-2 --out runs/gauss-2")(train)
app.command(epilog="Example: activa evaluate gauss-2 --models 1000 --out results.json")(evaluate)
app.command(epilog="Example: activa reproduce table1 --rows gauss-2 --out table1")(reproduce)
app.command(epilog="Example: activa bench real-v1 --out bench.json --plot bench.png")(bench)
app.command(
    epilog="Example: activa ablate examples/ablations/gauss-2.yaml --out runs/ablation-gauss-2"
)(ablate)
