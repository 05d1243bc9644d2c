"""From a file or a function of another author to a checkpoint folder.

Three things can be adopted:

- a weights file of a network that spandrel recognises (``RealESRGAN_x4plus.pth``), or of one of edgeir's own networks
  whose names nobody else's weights have; nothing of it is run;
- a `torch.export` program (``.pt2``) with one image in and one out; needs ``--trust-code``;
- ``package.module:factory`` with its weights file, loaded into what the function returns; needs ``--trust-code``.

The checkpoint lies in the cache under the hash of all that it was made of, so that the second command that names the
file starts at once, and every command takes it like any other checkpoint.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path
from typing import Any

from edgeir.checkpoint.foreign.cached import NETWORKS
from edgeir.checkpoint.foreign.own import own_kind, own_network
from edgeir.checkpoint.foreign.read import metadata_of, read_weights, unwrapped
from edgeir.checkpoint.foreign.recognise import recognised
from edgeir.checkpoint.load import load_weights
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.cache import cache_root
from edgeir.core.config import Config
from edgeir.core.environment import versions
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.extras import installed_version
from edgeir.core.files import sha256_file
from edgeir.core.trust import require_trust
from edgeir.manifest.card import CARD_NAME
from edgeir.models.base import Network
from edgeir.models.imported import imported_module
from edgeir.models.module import ModuleConfig
from edgeir.models.probe import probe
from edgeir.models.program import FACTORY

__all__ = ["PROGRAM_SUFFIX", "Stated", "adopt", "adopted", "is_factory", "stand_in"]

PROGRAM_SUFFIX = ".pt2"
_FORMAT = "1"
"""Of what is adopted; another one makes all checkpoints in the cache anew."""
_FACTORY = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")


class Stated(Config):
    """Facts that the user states; the others are found by probing."""

    scale: int | None = None
    """Output pixels per degraded pixel, per side. A network whose output has the size of its input and a stated scale
    above 1 takes the image enlarged already."""
    size_multiple: int | None = None
    receptive_radius: int | None = None
    """Also to accept seams: less than the network reads, where tiles would hardly pay."""

    @property
    def given(self) -> bool:
        """Any is stated."""
        return any(value is not None for value in self.model_dump().values())


def is_factory(name: str) -> bool:
    """Whether `name` is ``package.module:function``."""
    return _FACTORY.match(name) is not None


def adopted(source: str | Path, weights: str | Path | None = None, stated: Stated | None = None) -> Path:
    """The checkpoint folder, in the cache, of another author's network; made where it is not there.

    Args:
        source: a weights file, a ``.pt2`` file or ``package.module:factory``.
        weights: for a factory: the weights file.

    Raises:
        CheckpointError: it cannot be read, or is no network that can be used.
        ConfigError: the function or program cannot be used, or what is stated is wrong.
        MissingExtraError: spandrel is not installed.
        UntrustedCodeError: it would run its author's code, and the user has not allowed that.
    """
    stated = stated or Stated()
    folder = cache_root() / NETWORKS / _key(source, weights, stated)
    if not (folder / CARD_NAME).is_file():
        adopt(source, weights, stated, out=folder)
    with contextlib.suppress(OSError):  # a cache that is only read
        os.utime(folder)
    return folder


def stand_in(name: str | Path, weights: str | Path | None, stated: Stated) -> str | Path:
    """The checkpoint in the cache for a factory or for a network of which facts are stated; other names as they are."""
    if stated.given or weights is not None or (is_factory(str(name)) and not Path(name).exists()):
        return adopted(name, weights, stated)
    return name


def adopt(source: str | Path, weights: str | Path | None, stated: Stated, *, out: Path) -> None:
    """Like `adopted`, into a folder of the user's choice."""
    network, provenance = _network(source, weights, stated)
    name = Path(weights or source).stem
    provenance = {**provenance, "stated": stated.model_dump(exclude_none=True), "versions": versions()}
    save_checkpoint(out, network, network.state_dict(), name=name, metrics={}, provenance=provenance)


def _network(
    source: str | Path, weights: str | Path | None, stated: Stated
) -> tuple[Network, dict[str, Any]]:
    path = Path(source)
    if is_factory(str(source)) and not path.exists():
        return _of_factory(str(source), None if weights is None else Path(weights), stated)
    if weights is not None:
        raise ConfigError(
            ["weights are given for a network that is no package.module:factory"], where=source,
            fix="name the weights file alone, if spandrel knows its network",
        )  # fmt: skip
    hashed = {"file": path.name, "sha256": _hash(path)}
    if path.suffix.lower() == PROGRAM_SUFFIX:
        require_trust("a torch.export program can run code when it is read", where=path)
        arguments = {"file": str(path.resolve()), "sha256": hashed["sha256"]}
        return _module(FACTORY, arguments, None, stated, where=str(path)), hashed
    tensors = read_weights(path)
    if (kind := own_kind(tensors)) is not None:
        if stated.given:
            raise ConfigError(
                [f"these are weights of `{kind}`, whose facts are known"], where=path,
                fix="leave the options of other authors' networks out",
            )  # fmt: skip
        own, names = own_network(tensors, path, kind)
        return own, {**hashed, "names": names, **metadata_of(path)}
    network = recognised(
        tensors, path, size_multiple=stated.size_multiple, receptive_radius=stated.receptive_radius
    )
    if stated.scale not in (None, network.config.scale):
        raise ConfigError(
            [f"the network enlarges {network.config.scale} times, not {stated.scale}"], where=path
        )
    return network, {**hashed, "architecture": network.config.architecture}


def _of_factory(source: str, weights: Path | None, stated: Stated) -> tuple[Network, dict[str, Any]]:
    if weights is None:
        raise ConfigError(
            [f"`{source}` has no weights"], fix="--weights FILE (.safetensors, .pth), its state_dict()"
        )
    network = _module(source, {}, weights, stated, where=source)
    return network, {"factory": source, "file": weights.name, "sha256": _hash(weights)}


def _module(
    factory: str, arguments: dict[str, Any], weights: Path | None, stated: Stated, *, where: str
) -> Network:
    """A network of `kind: module`, with the weights and with facts from probing."""
    module = imported_module(factory, arguments, where=where)
    state = None if weights is None else _state_dict(weights)
    if state is not None:
        load_weights(module, state, Path(str(weights)))
    found = probe(
        module.eval(),
        size_multiple=stated.size_multiple,
        receptive_radius=stated.receptive_radius,
        where=where,
    )
    scale = stated.scale or found.net_scale
    if found.net_scale not in (1, scale):
        raise ConfigError([f"the network enlarges {found.net_scale} times, not {scale}"], where=where)
    config = ModuleConfig(
        factory=factory,
        arguments=arguments,
        task="super-resolution" if scale > 1 else "restoration",
        scale=scale,
        input_kind="lr" if found.net_scale == scale else "bicubic",
        colour="y" if found.channels == 1 else "rgb",
        size_multiple=found.size_multiple,
        tile_multiple=found.tile_multiple,
        receptive_radius=found.receptive_radius,
        global_operations=found.global_operations,
    )
    network = config.build()
    if state is not None:
        load_weights(network.module, state, Path(str(weights)))
    return network.eval()


def _state_dict(path: Path) -> dict[str, Any]:
    state = unwrapped(read_weights(path))
    if wrong := [name for name, value in state.items() if not hasattr(value, "shape")]:
        raise CheckpointError(
            f"`{wrong[0]}` is no tensor, so this is no state_dict()",
            where=path,
            fix="save state_dict() alone",
        )
    return state


def _hash(path: Path) -> str:
    if not path.is_file():
        raise CheckpointError("there is no such file", where=path)
    return sha256_file(path)


def _key(source: str | Path, weights: str | Path | None, stated: Stated) -> str:
    parts = [_FORMAT, str(installed_version("spandrel")), stated.model_dump_json()]
    for given in (source, weights):
        if given is not None:
            path = Path(given)
            parts += [path.stem, _hash(path)] if path.is_file() else [str(given)]
            if path.suffix.lower() == PROGRAM_SUFFIX:
                parts.append(str(path.resolve()))  # the card names it
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
