"""The command `serve`."""

import sys
from typing import Annotated

import typer

from recsys.cli import console
from recsys.cli.common import Json


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(epilog="Example: python -m recsys serve --host 0.0.0.0 --port 8000")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets the network in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    api_only: Annotated[bool, typer.Option("--api-only", help="Leave the dashboard out.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than 1 with --api-only.")] = 1,
    as_json: Json = False,
) -> None:
    """Serve the dashboard and the API until stopped."""
    from recsys.server.listen import serve as serve_app

    def tell(url: str) -> None:
        if as_json:
            console.document({"url": url})
        else:
            console.say(f"{'' if api_only else f'Dashboard {url}   '}API {url}/docs   (stop with Ctrl+C)")
        sys.stdout.flush()

    try:
        serve_app(host, port, api_only=api_only, workers=workers, on_listening=tell)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
