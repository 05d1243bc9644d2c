"""The recipe: everything that decides a training run, in one YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from edgeir.core.assets import find_asset
from edgeir.core.config import Config, apply_overrides, parse, read_yaml
from edgeir.core.errors import ConfigError
from edgeir.data.degrade import AnyDegradation
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.items import drawn_anew, scale_of
from edgeir.data.labelled.sources import Labelled
from edgeir.data.paired.base import Paired
from edgeir.data.patches import Augment
from edgeir.data.sources.embedded import Embedded
from edgeir.data.union import AnySource
from edgeir.distillation import AnyDistillation
from edgeir.losses import L1, Adversarial, AnyLoss
from edgeir.losses.backbone import PerceptualConfig
from edgeir.models import AnyModel
from edgeir.quantize.settings import Quantization
from edgeir.training.optim import MAX_STEPS, Optim

__all__ = ["Data", "Distillation", "ObjectiveConfig", "Recipe", "Train", "Validation", "load_recipe"]


class Data(Config):
    """What the network learns from."""

    sources: tuple[AnySource, ...] = Field(min_length=1)
    degradation: AnyDegradation | None = Bicubic()
    """None where the sources are paired: their images are degraded already (and further by a source's
    `extra_degradation`). ``as-is``: unlabelled photographs, which are the input themselves."""
    rescale: tuple[Annotated[float, Field(ge=0.01, le=1)], ...] = Field((1.0,), min_length=1)
    """Every image is used once per factor, shrunk by it (1 = as it is): removes JPEG artefacts, sharpens edges."""
    patch: int = Field(48, ge=4, le=4096)
    """Side of the degraded patch in pixels."""
    batch: int = Field(16, ge=1, le=65536)
    """Patches per step over all processes."""
    on_error: Literal["stop", "skip"] = "stop"
    """What to do about an image that cannot be read: stop with its error, or leave it out and go on with the others."""
    augment: Augment = "all"
    """``all`` eight flips and quarter turns; ``flips``, horizontal and vertical (DANet, section 4.1); ``rotations`` by
    quarters (STFT, section 3.1, which does not name the angles); ``none``."""


class Distillation(Config):
    """A frozen teacher and how the student follows it."""

    teacher: str | None = None
    """A zoo name or a checkpoint folder; None where every method trains its own companion."""
    methods: tuple[AnyDistillation, ...] = ()
    """Empty: the control, which trains without the teacher at equal steps."""
    cache: bool = False
    """Compute the teacher's images once, before training (output distillation only). Saves its time in every step."""
    self_ensemble: bool = False
    """With `cache`: average the teacher over the eight flips and rotations of its input."""

    @model_validator(mode="after")
    def _cacheable(self) -> Distillation:
        needing = [method.kind for method in self.methods if method.needs_teacher]
        if self.teacher is None and (needing or not self.methods):
            raise ValueError(f"`teacher` is missing{f'; {needing[0]} needs one' if needing else ''}")
        if self.cache and any(method.kind != "output" for method in self.methods):
            raise ValueError("`cache` keeps images, not features: it works with `output` distillation only")
        if self.self_ensemble and not self.cache:
            raise ValueError("`self_ensemble` needs `cache: true`")
        return self


class ObjectiveConfig(Config):
    """What is minimised."""

    losses: tuple[AnyLoss, ...] = (L1(),)
    """Against the ground truth. Empty: the student learns from the teacher alone, by the methods of `distillation`."""
    perceptual: Literal["vgg-19", "none"] = "vgg-19"
    """``none`` leaves out the losses that need the backbone: the variant for who has no weights of it."""
    adversarial: Adversarial | None = None
    """A discriminator that takes turns with the network."""
    distillation: Distillation | None = None

    @model_validator(mode="after")
    def _something_left(self) -> ObjectiveConfig:
        if self.losses and not self.used_losses:
            raise ValueError("`perceptual: none` leaves no loss; name one that needs no backbone")
        if not self.losses and (self.distillation is None or not self.distillation.methods):
            raise ValueError(
                "`losses` is empty, so nothing is minimised: name a loss, or a teacher and methods in `distillation`"
            )
        return self

    @property
    def used_losses(self) -> tuple[AnyLoss, ...]:
        """`losses`, without those on the backbone where `perceptual` is ``none``."""
        if self.perceptual == "vgg-19":
            return self.losses
        return tuple(loss for loss in self.losses if not isinstance(loss, PerceptualConfig))


class Train(Config):
    """Length, seed and bookkeeping of the run."""

    steps: int = Field(ge=1, le=MAX_STEPS)
    seed: int = Field(0, ge=0, lt=2**63)
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    """Lightning's names. `bf16-mixed` also helps on CPUs with bfloat16 instructions."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of the averaged weights that are validated and saved; 0 = off."""
    clip_grad: float | None = Field(None, gt=0, le=1e9)
    """Upper limit of the gradient's norm."""
    log_every: int = Field(50, ge=1, le=MAX_STEPS)
    validate_every: int = Field(1000, ge=1, le=MAX_STEPS)
    save_every: int = Field(500, ge=1, le=MAX_STEPS)
    samples: int = Field(2, ge=0, le=1000)
    """Validation images written to samples/ each time."""


class Validation(Config):
    """Held-out images: PSNR after rounding to 8 bit, with a border of `scale` pixels cropped in super-resolution."""

    sources: tuple[AnySource, ...] = Field((Embedded(),), min_length=1)
    """Degraded as the training data are, so paired where those are (but see `degradation`)."""
    degradation: AnyDegradation | None = None
    """How the validation images are degraded, where that is not as the training data are: for unlabelled training data
    (`data.degradation` ``as-is``), which have nothing to be measured against. None: as the training data are; beside
    unlabelled ones, paired sources."""
    limit: int = Field(6, ge=1, le=1_000_000)
    """Images used, the first ones of the sources."""
    size: int = Field(256, ge=16, le=16384)
    """Side of the centre crop taken from each."""
    channel: Literal["y", "rgb", "gray"] = "y"
    """Super-resolution and JPEG repair are measured on Y, colour denoising on RGB; `gray` is the plane of a network of
    one channel."""


Task = Literal[
    "super-resolution", "denoising", "jpeg", "dehazing", "deblurring", "deraining", "enhancement", "mixed"
]
"""What a network is for; it names the folder of its recipe."""


def _plan_alone(value: Any) -> Any:
    return {"plan": value} if isinstance(value, str) else value


TrainedQuantization = Annotated[Quantization, BeforeValidator(_plan_alone)]
"""`Quantization`, or the name of its plan."""


class Recipe(Config):
    """A training run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    about: str = ""
    """What it is, from which paper, and what it needs."""
    task: Task = "super-resolution"
    model: AnyModel
    fine_tune_from: str | None = None
    """Zoo name or checkpoint to start from: the same network (PlainSR: also a smaller one, or other branches)."""
    quant: TrainedQuantization | None = None
    """Quantisation-aware training: a plan, such as ``int8``, or settings. The network is fine-tuned in its deployed
    form with rounded weights and activations, and its int8 file computes what the checkpoint does."""
    data: Data
    objective: ObjectiveConfig = ObjectiveConfig()
    optim: Optim = Optim()
    train: Train
    validation: Validation = Validation()

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, values: Any) -> Any:
        """`init` was the name of `fine_tune_from` in recipes and runs of version 0.1."""
        if isinstance(values, dict) and "init" in values and "fine_tune_from" not in values:
            return {("fine_tune_from" if key == "init" else key): value for key, value in values.items()}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        self._check_unlabelled()
        degradation = self.data.degradation
        for name, sources, used in (
            ("data", self.data.sources, degradation),
            ("validation", self.validation.sources, self.validation_degradation),
        ):
            try:
                scale = scale_of(sources, used)
            except ConfigError as error:
                raise ValueError(f"`{name}.sources`: {error.problems[0]}") from error
            if self.model.scale != scale and not (name == "data" and self.unlabelled):
                raise ValueError(f"`model.scale` is {self.model.scale} but that of `{name}` is {scale}")
        distillation = self.objective.distillation
        changing = drawn_anew(self.data.sources, degradation) and not self.unlabelled
        if distillation is not None and distillation.cache and changing:
            raise ValueError(
                "`cache` keeps one teacher image for each image: it does not work with a random degradation"
            )
        if getattr(degradation, "noise_map", False) and self.model.facts.sigma is None:
            raise ValueError(
                f"`degradation.noise_map` needs a network that takes it, which `{self.model.kind}` does not"
            )
        adversarial, side = self.objective.adversarial, self.data.patch * self.model.scale
        if adversarial is not None and adversarial.patch != side:
            raise ValueError(
                f"`objective.adversarial.patch` is {adversarial.patch}, but the patches are {side} pixels wide "
                f"(`data.patch` {self.data.patch}, scale {self.model.scale})"
            )
        if distillation is not None and any(method.needs_labels for method in distillation.methods):
            _labelled(self.data)
        self._check_colour()
        self._check_quantization()
        kinds = [loss.kind for loss in self.objective.losses]
        if len(set(kinds)) != len(kinds):
            raise ValueError("`objective.losses` names a loss twice")
        return self

    @property
    def unlabelled(self) -> bool:
        """The training images are the input themselves and have no ground truth."""
        return self.data.degradation is not None and self.data.degradation.unlabelled

    @property
    def validation_degradation(self) -> AnyDegradation | None:
        """That of the validation images; None: their sources are paired."""
        if self.validation.degradation is None and not self.unlabelled:
            return self.data.degradation
        return self.validation.degradation

    def _check_unlabelled(self) -> None:
        """What unlabelled photographs cannot be used for."""
        if self.validation.degradation is not None and self.validation.degradation.unlabelled:
            raise ValueError("`validation.degradation`: without a clean image nothing can be measured")
        if not self.unlabelled:
            return
        if self.validation.degradation is None and not all(
            isinstance(source, Paired) for source in self.validation.sources
        ):
            raise ValueError(
                "`validation.degradation` is missing: photographs that are given as they are have nothing to be "
                "measured against, so say how the validation images are degraded"
            )
        config = self.objective
        methods = config.distillation.methods if config.distillation is not None else ()
        needing = [f"the loss `{loss.kind}`" for loss in config.losses]
        needing += ["`adversarial`"] if config.adversarial is not None else []
        needing += [f"the method `{method.kind}`" for method in methods if method.needs_clean]
        needing += [f"the network `{self.model.kind}`"] if self.model.reads == "clean" else []
        if needing:
            raise ValueError(
                f"{needing[0]} needs the clean image, and photographs that are given as they are have none: "
                "leave it out (`objective.losses: []` learns from the teacher alone)"
            )
        if self.model.facts.input_kind == "bicubic" and self.model.scale > 1:
            raise ValueError(
                f"`{self.model.kind}` reads the enlarged image, and photographs that are given as they are stay small"
            )

    def _check_quantization(self) -> None:
        if self.quant is None:
            return
        if self.fine_tune_from is None:
            raise ValueError("`quant` needs `fine_tune_from`: the float network whose file it is to be")
        if getattr(self.data.degradation, "noise_map", False):
            raise ValueError(
                "`quant` trains the deployed network, which holds one noise level: leave `degradation.noise_map` out"
            )
        distillation = self.objective.distillation
        reading = [
            method.kind for method in (distillation.methods if distillation else ()) if method.reads_student
        ]
        if reading:
            raise ValueError(
                f"`quant`: a network in integers has no features to read, which `{reading[0]}` does; use `output`"
            )
        if self.objective.adversarial is not None or self.train.precision == "16-mixed":
            raise ValueError("`quant` trains without an adversary, in 32-true or bf16-mixed")

    def _check_colour(self) -> None:
        """What a network of one channel cannot be asked for, and what only it can."""
        colour, channel = self.model.facts.colour, self.validation.channel
        distillation = self.objective.distillation
        methods = distillation.methods if distillation is not None else ()
        for method in methods:
            companion = method.auxiliary_config()
            if companion is not None and companion.facts.colour != colour:
                raise ValueError(
                    f"the network beside the student in `{method.kind}` needs the student's channels"
                )
        if colour == "rgb":
            if channel == "gray":
                raise ValueError("`validation.channel: gray` needs a network of one channel")
            return
        if channel == "rgb":
            raise ValueError(
                "a network of one channel is not measured on rgb: set `validation.channel: gray`"
            )
        shared = [part.kind for part in (*self.objective.losses, *methods) if getattr(part, "luma", 0.0)]
        if shared:
            raise ValueError(f"the `luma` share of `{shared[0]}` needs a network of three channels")
        if distillation is not None and distillation.cache:
            raise ValueError("`cache` keeps colour images: it needs a network of three channels")


def _labelled(data: Data) -> None:
    """Raise `ValueError` unless every source has labels, at the size of its images."""
    for source in data.sources:
        if not isinstance(source, Labelled):
            raise ValueError(f"`data.sources`: a method needs labels, and a `{source.kind}` source has none")
        if (source.rescale or data.rescale) != (1.0,):
            raise ValueError("`data.rescale`: labelled images are not shrunk, leave it at [1.0]")


def load_recipe(recipe: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by path or name and apply ``a.b=c`` overrides.

    Raises:
        ConfigError: with every problem at once.
    """
    path = find_asset("recipes", str(recipe))
    return parse(
        Recipe, apply_overrides(read_yaml(path), overrides), where=path.name if not overrides else recipe
    )
