"""``edgeir import``: another author's weights as a checkpoint folder.

With the name of one of edgeir's networks, published weights go to their places in it
(`edgeir.checkpoint.foreign.maps`): it can then be fine-tuned, distilled from and taken apart like a network that edgeir
trained. Without, the network is whatever the file is recognised as (`edgeir.checkpoint.foreign.adopt`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from edgeir.core.config import apply_overrides, first_problem
from edgeir.core.environment import versions
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.files import refuse_existing, sha256_file
from edgeir.core.trust import honours_trust
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, Card, read_card

__all__ = ["import_weights"]


@honours_trust
def import_weights(
    source: str | Path,
    *,
    out: str | Path,
    model: str | None = None,
    settings: Sequence[str] = (),
    weights: str | Path | None = None,
    scale: int | None = None,
    size_multiple: int | None = None,
    receptive_radius: int | None = None,
    trust_code: bool = False,
    overwrite: bool = False,
) -> Card:
    """Write a checkpoint of another author's weights.

    Args:
        source: a weights file, a ``.pt2`` program or ``package.module:factory``.
        out: the checkpoint folder.
        model: `kind` of one of edgeir's networks; None: what spandrel, the program or the function says it is.
        settings: ``key=value`` settings of that network which the weights do not show, such as ``sigma=15``.
        weights: the weights file of a ``package.module:factory``.
        scale, size_multiple, receptive_radius: facts that are not to be found by probing; not with `model`.
        trust_code: allow the program or function, code of its author, to run.

    Raises:
        CheckpointError: the file cannot be read, or holds other weights.
        ConfigError: there is no such network, or a setting is wrong.
        MissingExtraError, OutputError, UntrustedCodeError: as their names say.
    """
    from edgeir.checkpoint.foreign.adopt import Stated, adopt

    refuse_existing(Path(out), overwrite=overwrite, marker=CARD_NAME, owned=(CARD_NAME, WEIGHTS_NAME))
    stated = Stated(scale=scale, size_multiple=size_multiple, receptive_radius=receptive_radius)
    if model is None:
        if settings:
            raise ConfigError([f"`{settings[0]}` is a setting of no network"], fix="name one with --model")
        adopt(source, weights, stated, out=Path(out))
        return read_card(out)
    if stated.given or weights is not None:
        raise ConfigError(
            [f"the facts of `{model}` are known"], fix="leave the options of other authors' networks out"
        )
    return _into_own(Path(source), model, settings, Path(out))


def _into_own(path: Path, model: str, settings: Sequence[str], out: Path) -> Card:
    from edgeir.checkpoint.foreign.maps import MAPS
    from edgeir.checkpoint.foreign.read import read_weights
    from edgeir.checkpoint.load import load_weights
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.models import AnyModel

    if (entry := MAPS.get(model)) is None:
        raise ConfigError(
            [f"no published weights of `{model}` are known"], fix=f"--model {', '.join(MAPS)}, or none"
        )
    tensors = read_weights(path)
    try:
        shown = entry.settings(tensors)
        values = apply_overrides({"kind": model, **shown}, settings)
        adapter: TypeAdapter[Any] = TypeAdapter(AnyModel)
        try:
            config = adapter.validate_python(values)
        except ValueError as error:
            raise ConfigError([first_problem(error)], where=f"`{model}` of {path.name}") from error
        names = entry.names(config, tensors)
        taken = {own: _laid_out(tensors[their], entry.hwio) for own, their in names.items()}
    except (KeyError, AttributeError, IndexError) as error:
        raise CheckpointError(
            f"has no `{error.args[0] if error.args else error}`, so these are no weights of `{model}` as "
            f"{entry.source} publishes them",
            where=path,
            fix="leave --model out, if spandrel knows the network",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"these weights are no `{model}` of {entry.source}: {error}", where=path
        ) from error
    if unused := sorted(set(tensors) - set(names.values())):
        raise CheckpointError(f"`{unused[0]}` has no place in `{model}`", where=path)
    network = config.build().eval()
    load_weights(network, {**network.state_dict(), **entry.fixed(config), **taken}, path)
    provenance = {
        "file": path.name,
        "sha256": sha256_file(path),
        "names": entry.source,
        "versions": versions(),
    }
    return save_checkpoint(
        out, network, network.state_dict(), name=path.stem, metrics={}, provenance=provenance
    )


def _laid_out(value: torch.Tensor, hwio: bool) -> torch.Tensor:
    value = value.float()
    return (
        value.permute(3, 2, 0, 1)
        if hwio and value.ndim == 4
        else value.reshape(-1)
        if value.ndim == 0
        else value
    )
