"""``edgeir serve``: a shell over `edgeir.devices.browser.serve.serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output

__all__ = ["serve"]


def serve(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="[BUNDLE]",
            help="Folder or zip that `edgeir export --bundle` wrote. Default: the page asks for one.",
            show_default=False,
        ),
    ] = None,
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on this machine; 0 takes a free one.")
    ] = 8700,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page",
            help="Folder of the built page. Default: that of a checkout, else that of the cache.",
            show_default=False,
        ),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="First build the page with npm, into the cache folder.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Serve the page that restores photos in a browser, with a bundle, on this machine alone.

    The photos stay in the browser: the page may connect to nothing but its own files. Ctrl-C ends it.

    Example: `edgeir serve out/app.zip`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.devices.browser.serve import serve as run

        def ready(url: str) -> None:
            output.emit({"url": url}, [f"serving {url} (Ctrl-C ends it)"])

        run(bundle, port=port, page=page, build=build, ready=ready)
