"""The conditions that a rule can set on an operator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from edgeir.core.config import Config
from edgeir.exporting.inspect.graph import Granularity

__all__ = ["Condition", "Dtype", "Names"]

Dtype = Annotated[str, Field(pattern="^(u?int(2|4|8|16|32|64)|b?float(16|32|64)|bool|unknown)$")]
"""numpy's name of a type."""
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Limit = Annotated[int, Field(ge=0, le=1_000_000_000)]
Scalar = bool | int | float | str
Values = Annotated[tuple[Scalar | tuple[int, ...], ...], Field(min_length=1)]


class Condition(Config):
    """What must hold of an operator; of several keys all must. What a file does not say never holds.

    Sizes are those of the tensors; "computed" are all that are no constants of the file.
    """

    dtype: Annotated[tuple[Dtype, ...], Field(min_length=1)] | None = None
    """Type of the first computed input is one of these."""
    output_dtype: Annotated[tuple[Dtype, ...], Field(min_length=1)] | None = None
    """Type of the first output is one of these."""
    weights_dtype: Annotated[tuple[Dtype, ...], Field(min_length=1)] | None = None
    """Type in which the file holds the weights is one of these."""
    granularity: Annotated[tuple[Granularity, ...], Field(min_length=1)] | None = None
    """Weights in integers have one scale for the tensor, for each channel or for each block: one of these."""
    weights_computed: bool | None = None
    """The weights are made by another operator (true), or are constants (false)."""
    rank_above: Limit | None = None
    """A computed input or an output has more dimensions."""
    rank_below: Limit | None = None
    """A computed input has fewer."""
    open_size: bool | None = None
    """The file leaves a size of its input open (true), or has them all fixed (false)."""
    values_above: Limit | None = None
    """A computed input or an output has more values."""
    side_above: Limit | None = None
    """A computed input or an output is longer than this in a dimension."""
    kernel_above: Limit | None = None
    """A side of the window is longer, dilation not counted."""
    stride_above: Limit | None = None
    """A stride is longer."""
    dilation_above: Limit | None = None
    """A dilation is longer."""
    groups_above: Limit | None = None
    """The convolution has more groups."""
    depthwise: bool | None = None
    """As many groups as output channels, and more than one; or not."""
    channels_not: Annotated[tuple[Limit, ...], Field(min_length=1)] | None = None
    """Output channels of a convolution are none of these."""
    channels_above: Limit | None = None
    """More output channels of a convolution."""
    whole_image: bool | None = None
    """Each output value depends on the whole image (true), or does not."""
    inputs_above: Limit | None = None
    """More computed inputs."""
    outputs_above: Limit | None = None
    """More outputs."""
    repeated_input: bool | None = None
    """A tensor is read twice (true), or none is."""
    constant_input: bool | None = None
    """One of the inputs is a constant (true), or none is."""
    broadcast: bool | None = None
    """The computed inputs have different shapes (true), or equal ones."""
    readers_above: Limit | None = None
    """More operators read the first computed input."""
    scale_ratio_above: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """A scale of an input is more than so many times that of the output."""
    scale_ratio_below: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """A scale of an input is less than so many times that of the output."""
    scale_product_above: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """The product of the scales of the inputs is more than so many times the scale of the output."""
    scale_product_below: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """The same, less."""
    scales_differ: bool | None = None
    """An input has another scale or type than the output (true), or all are alike."""
    made_by: Names | None = None
    """One of the computed inputs is made by an operator of these kinds; ``input`` is the file's own."""
    read_by: Names | None = None
    """An operator of these kinds reads the output; ``output`` is the file's own."""
    attributes: dict[str, Values] | None = None
    """Each named setting is one of these values."""
    attributes_not: dict[str, Values] | None = None
    """Each named setting is there, and none of these values."""

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("is empty: leave it out")
        return self
