"""`python -m activa_cli` is the `activa` command, for launchers that want a module."""

from activa_cli.main import app

if __name__ == "__main__":
    app()
