"""`train` and `distill`: from a recipe to a run folder.

A run folder holds ``recipe.yaml`` (fully resolved), ``metrics.jsonl``, ``samples/*.png`` and
``checkpoints/{last,best}/``. With `resume` the run continues from ``checkpoints/last``, bit for bit on the CPU.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import code_is_trusted, honours_trust, trusting_code
from edgeir.data.degrade.base import enlargement_of
from edgeir.data.items import licences_of
from edgeir.data.patches import PatchSampler
from edgeir.data.store.pair_store import PairStore, open_store
from edgeir.losses.backbone import backbones_used
from edgeir.manifest.fitted import Fitted
from edgeir.models.base import channels_last
from edgeir.training.adversary import DiscriminatorTrainer
from edgeir.training.build import build_objective, first_network, set_ranges
from edgeir.training.loop import fit
from edgeir.training.preflight import check_ahead, check_precision, teacher_record
from edgeir.training.processes import Processes, launch
from edgeir.training.recipe import Recipe, load_recipe
from edgeir.training.record import RunFolder
from edgeir.training.result import TrainResult
from edgeir.training.resume import check_images, drop_later_rows
from edgeir.training.signals import quiet_lightning, stop_requests
from edgeir.training.state import State, unpack
from edgeir.training.teacher import teacher_images
from edgeir.training.torchrun import by_first, launched, lost_peer, restarted

__all__ = ["TrainResult", "distill", "train"]


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
    with _claimed(run, num_nodes):
        return _launch(loaded, run, resume, overwrite, allow_changed_data, devices, num_nodes, progress)


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
    with _claimed(run, num_nodes):
        return _launch(loaded, run, resume, overwrite, allow_changed_data, devices, num_nodes, progress)


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


def _launch(
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    overwrite: bool,
    allow_changed_data: bool,
    devices: int,
    num_nodes: int,
    progress: Progress,
) -> TrainResult:
    processes = launched()
    if processes is not None:
        devices, num_nodes = processes.per_node, processes.nodes
    if devices < 1 or num_nodes < 1:
        raise ConfigError([f"`devices` is {devices} and `num_nodes` {num_nodes}, both must be at least 1"])
    world = devices * num_nodes
    if recipe.data.batch % world:
        raise ConfigError([f"`data.batch` (={recipe.data.batch}) must be divisible by the {world} processes"])
    check_precision(recipe)
    if processes is None:
        return _begin_and_run(
            recipe, run, resume, overwrite, allow_changed_data, devices, num_nodes, progress
        )
    try:
        with quiet_lightning():
            fabric = _fabric(recipe, devices, num_nodes, "ddp")
            fabric.launch()
        again = restarted(fabric, processes)
        return _begin_and_run(
            recipe, run, resume or again, overwrite, allow_changed_data, devices, num_nodes, progress, fabric
        )
    except RuntimeError as error:
        raise (lost_peer(error) or error) from error


def _begin_and_run(
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    overwrite: bool,
    allow_changed_data: bool,
    devices: int,
    num_nodes: int,
    progress: Progress,
    fabric: Fabric | None = None,
) -> TrainResult:
    """Run it from the start or from its checkpoint; `fabric` is that of processes which torchrun has started."""
    if fabric is None:
        resume = _begin(recipe, run, resume, overwrite)
    else:
        # A run that is not there yet is begun: the command is the same at every start. --overwrite is for the first.
        wanted = resume
        resume = by_first(fabric, lambda: _begin(recipe, run, wanted and run.begun(), overwrite))
    try:
        return _prepare_and_run(recipe, run, resume, allow_changed_data, devices, num_nodes, progress, fabric)
    except BaseException:  # whatever it was, Ctrl-C among it
        if fabric is None or fabric.is_global_zero:
            run.discard_unused()  # so that the corrected command need not overwrite
        raise


def _begin(recipe: Recipe, run: RunFolder, resume: bool, overwrite: bool) -> bool:
    """Check what can be missing, and prepare the folder; whether there is a checkpoint to go on from.

    It is looked for first: that should cost seconds, not the building of a store or the steps to the first validation.
    """
    run.trained_on |= teacher_record(recipe)
    if resume:
        resume = run.check_resumable()
    else:
        run.refuse_existing(overwrite=overwrite)
    check_ahead(recipe)
    run.held_out()
    if not resume:
        run.start()
    return resume


def _fabric(recipe: Recipe, devices: int, num_nodes: int, strategy: Any) -> Fabric:
    return Fabric(
        accelerator="auto" if torch.cuda.is_available() else "cpu",
        devices=devices,
        num_nodes=num_nodes,
        strategy=strategy,
        precision=recipe.train.precision,
    )


def _prepare_and_run(
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    allow_changed_data: bool,
    devices: int,
    num_nodes: int,
    progress: Progress,
    started: Fabric | None,
) -> TrainResult:
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
        check_images(run, allow_changed=allow_changed_data)
        if started is None or started.is_global_zero:
            run.write_recipe()
    if distillation is not None and distillation.cache and distillation.methods:
        teacher_images(distillation, store, progress)
    with quiet_lightning():
        several = world > 1 and num_nodes == 1
        fabric = started or _fabric(
            recipe, devices, num_nodes, "auto" if world == 1 else Processes() if several else "ddp"
        )
        # torchrun gives each process its threads.
        share = devices if world > 1 and started is None else 1
        threads = max(1, torch.get_num_threads() // share)
        work: Callable[..., Any] = _work
        trust = code_is_trusted()  # a process of its own does not inherit it
        plain = (recipe, run, resume, store, threads, trust)
        if started is not None:
            done, step, metrics, too_small = work(fabric, *plain, progress)
        elif several:
            done, step, metrics, too_small = launch(fabric, work, plain, progress)
        else:
            done, step, metrics, too_small = fabric.launch(work, *plain, progress)
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


def _work(
    fabric: Fabric,
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    store: PairStore,
    threads: int,
    trust: bool,
    progress: Progress,
) -> tuple[bool, int, dict[str, Any], int]:
    """One process's share of the run."""
    with trusting_code(trust):
        return _share(fabric, recipe, run, resume, store, threads, progress)


def _share(
    fabric: Fabric,
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    store: PairStore,
    threads: int,
    progress: Progress,
) -> tuple[bool, int, dict[str, Any], int]:
    torch.set_num_threads(threads)
    torch.manual_seed(recipe.train.seed)
    network = channels_last(first_network(recipe))
    objective, planes = build_objective(recipe, network, store)
    sampler = PatchSampler(
        store,
        patch=recipe.data.patch,
        batch=recipe.data.batch,
        seed=recipe.train.seed,
        augment=recipe.data.augment,
        planes=planes,
        degradation=None if store.paired else recipe.data.degradation,
        gray=network.facts.colour == "y",
        enlarge=enlargement_of(recipe.data.degradation) if network.facts.input_kind == "bicubic" else None,
        planes_scale=recipe.model.scale // store.scale,
    )
    if not resume:
        set_ranges(network, sampler)
    trained = [*network.parameters(), *objective.auxiliary.parameters()]
    fused = recipe.train.precision != "16-mixed"  # whose scaler could not clip the gradients
    state = State(network, recipe.optim.build(trained, fused=fused), {}, objective.auxiliary)
    if objective.adversary is not None:
        state.discriminator = DiscriminatorTrainer(objective.adversary, recipe.optim)
    if recipe.train.ema:
        state.average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    if resume:
        unpack(state, run.path / "checkpoints" / "last")
        if fabric.is_global_zero:
            drop_later_rows(run.path, state.step)
    network.train()
    with stop_requests() as should_stop:
        done = fit(fabric, recipe, state, objective, sampler, run, should_stop=should_stop, progress=progress)
    best = state.best_psnr_db if math.isfinite(state.best_psnr_db) else None
    metrics = {**state.validation, "best_psnr_db": best}
    return done, state.step, metrics, sampler.skipped
