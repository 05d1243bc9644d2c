"""The short names of quantisation plans, in a module of their own, so that a command line can list them quickly."""

from __future__ import annotations

__all__ = ["PLAN_NAMES"]

PLAN_NAMES = ("fp32", "fp16", "w8", "dynamic", "int8", "int8-tensor", "int16x8")
"""What ``--precision`` takes; `edgeir.quantize.plan.PLANS` says what each stands for."""
