"""``edgeir import``: another author's weights as a checkpoint folder.

With the name of one of edgeir's networks, published weights go to their places in it
(`edgeir.checkpoint.foreign.maps`): it can then be fine-tuned, distilled from and taken apart like a network that edgeir
trained. Without, the network is whatever the file is recognised as (`edgeir.checkpoint.foreign.adopt`), one of edgeir's
where the names of the weights leave no doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.core.environment import versions
from edgeir.core.errors import ConfigError
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
        model: `kind` of one of edgeir's networks; None: what the weights, the program or the function say it is.
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
    from edgeir.checkpoint.foreign.own import own_network
    from edgeir.checkpoint.foreign.read import metadata_of, read_weights
    from edgeir.checkpoint.save import save_checkpoint

    network, source = own_network(read_weights(path), path, model, settings)
    provenance = {
        "file": path.name,
        "sha256": sha256_file(path),
        "names": source,
        **metadata_of(path),
        "versions": versions(),
    }
    return save_checkpoint(
        out, network, network.state_dict(), name=path.stem, metrics={}, provenance=provenance
    )
