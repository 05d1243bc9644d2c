"""Software versions and facts about the machine, for results and bug reports. Imports nothing heavy."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from edgeir.core.extras import base_distributions, extras, installed_version

__all__ = ["available_cores", "git_revision", "machine", "versions"]


def versions() -> dict[str, str]:
    """Versions of Python, edgeir and of every package that it or one of its extras depends on and that is installed."""
    installed = {
        "python": platform.python_version(),
        "edgeir": installed_version("edgeir") or "not installed",
    }
    wanted = {*base_distributions(), *(name for brings in extras().values() for name in brings)}
    installed.update({name: version for name in sorted(wanted) if (version := installed_version(name))})
    return installed


def available_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, str | int]:
    """The machine: ``cpu`` (model), ``architecture``, ``cores`` (usable), ``memory_mib``, ``os``."""
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": available_cores(),
        "memory_mib": _memory_mib(),
        "os": platform.platform(terse=True),
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware") and value.strip():
            return " ".join(value.split())
    if shutil.which("sysctl") and platform.system() == "Darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()
    return platform.processor() or platform.machine() or "unknown"


def _memory_mib() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, ValueError, OSError):
        return 0


def git_revision() -> str | None:
    """The commit of the checkout that edgeir runs from, with ``-dirty`` when tracked files were changed.

    None where edgeir was installed from a wheel or git is not there.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    commit = _output(["git", "-C", str(root), "rev-parse", "HEAD"])
    if not commit:
        return None
    changed = _output(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])
    return f"{commit}-dirty" if changed else commit


def _output(command: list[str]) -> str | None:
    # A git hook exports GIT_DIR and the like, which would make git look at another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, env=environment, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
