"""The tests of the light installation with the lowest version of every dependency that `pyproject.toml` allows.

    python tools/lowest.py [--environment DIR] [--extras run,heif,hdf5] [--list] [PYTEST ARGUMENTS]

Makes an environment of its own, installs exactly the lower bounds of the dependencies and of these extras, and the test
tools as they are pinned, and runs the tests that need no torch. Lower bounds that nobody tries are wishes: typer 0.15
broke the command line. The bounds of the training and export extras are not tried: torch alone is gigabytes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("pytest", "pytest-xdist", "hypothesis")
TESTS = (
    "tests/core",
    "tests/imaging",
    "tests/manifest",
    "tests/metrics",
    "tests/data",
    "tests/reporting",
    "tests/restoring",
)
TESTS += ("tests/cli", "tests/test_layers.py", "tests/test_project.py")


def main() -> int:
    """Install and test; the exit status of pytest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-lowest")
    parser.add_argument("--extras", default="run,heif,hdf5")
    parser.add_argument("--list", action="store_true", help="print the versions and stop")
    options, pytest_arguments = parser.parse_known_args()
    versions = lower_bounds(options.extras.split(","))
    print("\n".join(versions))
    if options.list:
        return 0
    python = made(options.environment)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *versions, *pinned(TOOLS)], check=True, cwd=ROOT)
    subprocess.run([*pip, "--no-deps", "--editable", "."], check=True, cwd=ROOT)
    # Old packages warn about their newer dependencies, which is not what is tried here.
    command = [python, "-m", "pytest", "-q", "-m", "not slow", "-o", "filterwarnings=default", *TESTS]
    command += pytest_arguments
    environment = {**os.environ, "EDGEIR_LIGHT_TESTS": "1"}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode


def lower_bounds(extras: list[str]) -> list[str]:
    """``name==version`` for every dependency, and for those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    found = [re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)", line) for line in lines]
    return [f"{match[1]}=={match[2]}" for match in found if match]


def pinned(names: tuple[str, ...]) -> list[str]:
    """The lines of constraints.txt for these packages."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.split("==")[0] in names]


def made(folder: Path) -> str:
    """The interpreter of the environment, which is made where it is not there."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.is_file():
        venv.create(folder, with_pip=True)
    return str(python)


if __name__ == "__main__":
    sys.exit(main())
