"""`train` and `distill`: from a recipe to a run folder.

A run folder holds ``recipe.yaml`` (fully resolved), ``metrics.jsonl``, ``samples/*.png`` and
``checkpoints/{last,best}/``. With `resume` the run continues from ``checkpoints/last``, bit for bit on the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import code_is_trusted, honours_trust
from edgeir.data.items import licences_of
from edgeir.data.store.pair_store import open_store
from edgeir.losses.backbone import backbones_used
from edgeir.manifest.fitted import Fitted
from edgeir.training.preflight import check_ahead, check_precision, teacher_record
from edgeir.training.processes import Processes, launch
from edgeir.training.recipe import Recipe, load_recipe
from edgeir.training.record import RunFolder
from edgeir.training.result import TrainResult
from edgeir.training.resume import check_images
from edgeir.training.share import work
from edgeir.training.signals import quiet_lightning
from edgeir.training.teacher import teacher_images
from edgeir.training.torchrun import by_first, launched, lost_peer, restarted

__all__ = ["TrainResult", "distill", "train"]


@dataclass(frozen=True)
class _Command:
    """What one command asks for; the names are those of `train`'s arguments."""

    recipe: Recipe
    run: RunFolder
    resume: bool
    overwrite: bool
    allow_changed_data: bool
    devices: int
    num_nodes: int
    progress: Progress


@honours_trust
def train(
    recipe: str | Path,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    allow_changed_data: bool = False,
    devices: int = 1,
    num_nodes: int = 1,
    precision: str | None = None,
    fitted: Fitted | None = None,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> TrainResult:
    """Train a network without a teacher.

    Args:
        recipe: a path, or the name of a recipe that edgeir brings.
        overrides: ``a.b=value`` settings.
        out: the run folder, default ``runs/<recipe name>``.
        resume: continue the run in `out` (its own recipe.yaml must describe the same run; `train.steps` may differ). A
            run that was ended before its first checkpoint starts at step 0, with `resume` and without.
        overwrite: replace the run in `out`.
        allow_changed_data: resume with other training images than the run began with.
        devices: processes (CPU) or GPUs per node. num_nodes: machines. Both are Lightning Fabric's; in a process that
            torchrun has started, torchrun says them (`edgeir.training.torchrun`).
        precision: overrides `train.precision`.
        fitted: how the size of the network was chosen, for the cards of its checkpoints (see `edgeir.fit`).
        trust_code: allow code of others to run: networks and frozen networks of `kind: module`, ``.pt2`` programs.

    Raises:
        ConfigError, DataError, CheckpointError, NonFiniteError, UntrustedCodeError.
        OutputError: the folder holds something else, cannot be written, or another process is training in it.
    """
    loaded = _load(recipe, overrides, precision)
    if loaded.objective.distillation is not None:
        raise ConfigError(["the recipe has distillation methods"], where=recipe, fix="use edgeir distill")
    run = _folder(loaded, out, fitted)
    command = _Command(loaded, run, resume, overwrite, allow_changed_data, devices, num_nodes, progress)
    with _claimed(run, num_nodes):
        return _launch(command)


@honours_trust
def distill(
    recipe: str | Path,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    allow_changed_data: bool = False,
    devices: int = 1,
    num_nodes: int = 1,
    precision: str | None = None,
    fitted: Fitted | None = None,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> TrainResult:
    """Train a student with the recipe's teacher; arguments and errors as for `train`."""
    loaded = _load(recipe, overrides, precision)
    if loaded.objective.distillation is None:
        raise ConfigError(["the recipe has no distillation methods"], where=recipe, fix="use edgeir train")
    run = _folder(loaded, out, fitted)
    command = _Command(loaded, run, resume, overwrite, allow_changed_data, devices, num_nodes, progress)
    with _claimed(run, num_nodes):
        return _launch(command)


def _claimed(run: RunFolder, num_nodes: int) -> contextlib.AbstractContextManager[None]:
    """The run's lock, where its processes are of one command: others share the folder."""
    return run.claimed() if num_nodes == 1 and launched() is None else contextlib.nullcontext()


def _load(recipe: str | Path, overrides: Sequence[str], precision: str | None) -> Recipe:
    extra = [] if precision is None else [f"train.precision={precision}"]
    return load_recipe(recipe, [*overrides, *extra])


def _folder(recipe: Recipe, out: str | Path | None, fitted: Fitted | None) -> RunFolder:
    """The run's folder, and the files of frozen networks that the run reads."""
    distillation = recipe.objective.distillation
    methods = () if distillation is None else distillation.methods
    judges = [entry for method in methods for entry in method.files()]
    backbones = (*backbones_used(recipe.objective.used_losses), *judges)
    return RunFolder(Path(out) if out is not None else Path("runs") / recipe.name, recipe, backbones, fitted)


def _launch(command: _Command) -> TrainResult:
    processes, recipe = launched(), command.recipe
    if processes is not None:
        command = replace(command, devices=processes.per_node, num_nodes=processes.nodes)
    devices, num_nodes = command.devices, command.num_nodes
    if devices < 1 or num_nodes < 1:
        raise ConfigError([f"`devices` is {devices} and `num_nodes` {num_nodes}, both must be at least 1"])
    world = devices * num_nodes
    if recipe.data.batch % world:
        raise ConfigError([f"`data.batch` (={recipe.data.batch}) must be divisible by the {world} processes"])
    check_precision(recipe)
    if processes is None:
        return _begin_and_run(command)
    try:
        with quiet_lightning():
            fabric = _fabric(command, "ddp")
            fabric.launch()
        again = restarted(fabric, processes)
        return _begin_and_run(replace(command, resume=command.resume or again), fabric)
    except RuntimeError as error:
        raise (lost_peer(error) or error) from error


def _begin_and_run(command: _Command, fabric: Fabric | None = None) -> TrainResult:
    """Run it from the start or from its checkpoint; `fabric` is that of processes which torchrun has started."""
    run = command.run
    if fabric is None:
        resume = _begin(command)
    else:
        # A run that is not there yet is begun: the command is the same at every start. --overwrite is for the first.
        resume = by_first(fabric, lambda: _begin(replace(command, resume=command.resume and run.begun())))
    try:
        return _prepare_and_run(replace(command, resume=resume), fabric)
    except BaseException:  # whatever it was, Ctrl-C among it
        if fabric is None or fabric.is_global_zero:
            run.discard_unused()  # so that the corrected command need not overwrite
        raise


def _begin(command: _Command) -> bool:
    """Check what can be missing, and prepare the folder; whether there is a checkpoint to go on from.

    It is looked for first: that should cost seconds, not the building of a store or the steps to the first validation.
    """
    recipe, run, resume = command.recipe, command.run, command.resume
    run.trained_on |= teacher_record(recipe)
    if resume:
        resume = run.check_resumable()
    else:
        run.refuse_existing(overwrite=command.overwrite)
    check_ahead(recipe)
    run.held_out()
    if not resume:
        run.start()
    return resume


def _fabric(command: _Command, strategy: Any) -> Fabric:
    return Fabric(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=command.devices,
        num_nodes=command.num_nodes,
        strategy=strategy,
        precision=command.recipe.train.precision,
    )


def _prepare_and_run(command: _Command, started: Fabric | None) -> TrainResult:
    recipe, run, resume, progress = command.recipe, command.run, command.resume, command.progress
    devices, num_nodes = command.devices, command.num_nodes
    world = devices * num_nodes
    distillation = recipe.objective.distillation
    # The data and the teacher's images are prepared once, before any second process exists.
    data = recipe.data
    store = open_store(
        data.sources, data.degradation, rescale=data.rescale, on_error=data.on_error, progress=progress
    )
    run.trained_on["images"] = {"count": len(store), "sha256": store.fingerprint}
    licences = licences_of(data.sources)
    if licences:
        run.trained_on["images"]["licences"] = licences
    if resume:
        check_images(run, allow_changed=command.allow_changed_data)
        if started is None or started.is_global_zero:
            run.write_recipe()
    if distillation is not None and distillation.cache and distillation.methods:
        teacher_images(distillation, store, progress)
    with quiet_lightning():
        several = world > 1 and num_nodes == 1
        fabric = started or _fabric(command, "auto" if world == 1 else Processes() if several else "ddp")
        # torchrun gives each process its threads.
        processes = devices if world > 1 and started is None else 1
        threads = max(1, torch.get_num_threads() // processes)
        share: Callable[..., Any] = work
        plain = (recipe, run, resume, store, threads, code_is_trusted())
        if started is not None:
            done, step, metrics, too_small = share(fabric, *plain, progress)
        elif several:
            done, step, metrics, too_small = launch(fabric, share, plain, progress)
        else:
            done, step, metrics, too_small = fabric.launch(share, *plain, progress)
    restores = recipe.model.reads == "degraded"
    return TrainResult(
        run.path,
        step,
        stopped=not done,
        metrics=metrics,
        images=len(store) + len(store.skipped),
        too_small=too_small,
        unreadable=tuple(entry.problem for entry in store.skipped),
        backbones=run.backbones,
        restores=restores,
    )
