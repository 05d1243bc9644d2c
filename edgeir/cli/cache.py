"""``edgeir cache``: list what is kept between commands, or remove it: decoded images, checkpoints of other authors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table

if TYPE_CHECKING:
    from edgeir.data.store.cache import CachedStore

__all__ = ["cache"]

cache = typer.Typer(
    name="cache",
    help="List the training images and other authors' networks that are kept between commands, or delete them.",
    add_completion=False,
)


@cache.callback(invoke_without_command=True)
def list_all(context: typer.Context, quiet: Quiet = False, json: Json = False) -> None:
    """List what is kept between commands: decoded training images, checkpoints made of other authors' networks.

    With size, days since the last use, and origin. It lies in `$EDGEIR_CACHE`, by default `~/.cache/edgeir`, and is
    made anew when it is needed.

    Example: `edgeir cache`
    """
    if context.invoked_subcommand is not None:
        return
    with Output(quiet=quiet, json=json) as output:
        from edgeir.checkpoint.foreign.cached import cached_networks
        from edgeir.data.store.cache import cached_stores
        from edgeir.data.store.pair_store import cache_root

        stores = cached_stores()
        networks = cached_networks()
        total = sum(store.bytes for store in stores) + sum(network.bytes for network in networks)
        lines = [f"nothing is cached in {cache_root()}"]
        if stores or networks:
            lines = _lines(stores) if stores else []
            rows = [("network", "size", "unused for", "made of")]
            rows += [(n.folder.name, _size(n.bytes), f"{n.age_days:.1f} days", n.name) for n in networks]
            lines += table(rows) if networks else []
            lines.append(f"{_size(total)} in {cache_root()}")
        output.emit({"root": cache_root(), "bytes": total, "stores": stores, "networks": networks}, lines)


@cache.command("clear")
def clear(
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than",
            min=0,
            metavar="DAYS",
            help="Delete what was last used more than DAYS days ago.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete everything.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Delete decoded training images that no running process uses, and checkpoints made of other authors' networks.

    The exit code is 1 if something was in use and was kept.

    Example: `edgeir cache clear --older-than 30`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.checkpoint.foreign.cached import clear_networks
        from edgeir.core.errors import ConfigError
        from edgeir.data.store.cache import clear_stores

        if everything == (older_than is not None):
            raise ConfigError(
                ["say what to remove: --older-than DAYS or --all"], where="command line", fix="not both"
            )
        done = clear_stores(older_than_days=older_than)
        lines = [f"removed {store.folder}  {_size(store.bytes)}  {store.sources}" for store in done.removed]
        networks = clear_networks(older_than_days=older_than)
        lines += [f"removed {network.folder}  {_size(network.bytes)}  {network.name}" for network in networks]
        freed = done.bytes + sum(network.bytes for network in networks)
        lines.append(f"{_size(freed)} freed")
        output.emit(
            {"removed": done.removed, "networks": networks, "in_use": done.in_use, "bytes": freed}, lines
        )
        for store in done.in_use:
            print(f"edgeir: left alone: {store.folder} is in use", file=sys.stderr)
        if done.in_use:
            raise typer.Exit(1)


def _lines(stores: list[CachedStore]) -> list[str]:
    rows = [("store", "size", "unused for", "images", "teachers", "made from", "inputs by")]
    for store in stores:
        images = "unfinished" if store.images is None else str(store.images)
        age = f"{store.age_days:.1f} days"
        teachers = str(store.teachers or "-")
        rows.append(
            (store.folder.name, _size(store.bytes), age, images, teachers, store.sources, store.degradation)
        )
    return table(rows)


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
