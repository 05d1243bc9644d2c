"""``edgeir android``: a shell over `edgeir.android.build.build_apk` and `edgeir.android.project.write_project`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeir.cli.options import Json, Overwrite, Quiet
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.android.project import ProjectReport
    from edgeir.android.report import ApkReport

__all__ = ["android"]

_SIGNING = "Signing"
KEPT = (
    "keeps in its cache folder, for your own phones (a shop such as Google Play needs your own: --keystore)"
)
MUCH_GOLDEN = 5_000_000
NOT_RUN = "not tried here: what was checked is above"


def android(
    bundle: Annotated[
        list[Path],
        typer.Argument(
            metavar="BUNDLE...",
            help="Folders or zips that `edgeir export --bundle --target tflite` wrote.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="App to write; its name ends in `.apk`.", show_default=False),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project",
            metavar="DIR",
            help="Folder to write the app's sources to, as a Gradle project for Android Studio; alone or with --out.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name under the app's icon.")] = "edgeir",
    icon: Annotated[
        Path | None,
        typer.Option(
            "--icon",
            metavar="IMAGE",
            help="Image of any size for the icon. Default: edgeir's.",
            show_default=False,
        ),
    ] = None,
    application_id: Annotated[
        str,
        typer.Option(
            "--application-id",
            metavar="ID",
            help="Id by which phones know the app; apps with different ids can be on one phone.",
        ),
    ] = "org.edgeir.app",
    abi: Annotated[
        list[str] | None,
        typer.Option(
            "--abi",
            help="Processor that the app is for: arm64-v8a (phones), armeabi-v7a (old ones), x86_64 (emulators). "
            "Repeat for several. Default: all.",
            show_default=False,
        ),
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(
            "--keystore",
            metavar="FILE",
            help="Keystore with your own key, which shops such as Google Play ask for; its password is taken from "
            "$EDGEIR_KEYSTORE_PASSWORD. Default: a key that is made once and kept in the cache folder.",
            rich_help_panel=_SIGNING,
            show_default=False,
        ),
    ] = None,
    key_alias: Annotated[
        str | None,
        typer.Option(
            "--key-alias",
            help="Key in the keystore, where it has several; a password of its own is $EDGEIR_KEY_PASSWORD.",
            rich_help_panel=_SIGNING,
            show_default=False,
        ),
    ] = None,
    golden: Annotated[
        bool,
        typer.Option(
            help="Run the packaged models on an emulated phone, where `make arm64-setup` installed it; a float model "
            "of 180x320 takes a minute."
        ),
    ] = True,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write an Android app that restores photos with your bundles: a file to copy to a phone and open there.

    The bundles are verified, the app is signed, and the written file is checked: manifest, permissions (no network),
    signature, libraries, alignment, and its models on an emulated phone where that is installed. The first time, Maven
    and a JDK compile the app (`apt-get install maven openjdk-17-jdk-headless apksigner`); afterwards it takes seconds.
    Golden images are most of an app's size: a file of `--size 128x128` makes a smaller one than one of 180x320, a very
    small one a slow app, as its tiles overlap more.

    Example: `edgeir android out/app.zip --out restore.apk`

    Example with names of its own: `edgeir android out/app.zip --name Sharper --application-id org.mysite.sharper
    --abi arm64-v8a --out sharper.apk`
    """
    with Output(quiet=quiet, json=json) as output:
        if out is None and project is None:
            raise ConfigError(
                ["nothing to write is named"], fix="pass --out restore.apk, --project DIR, or both"
            )
        shared: dict[str, Any] = {
            "name": name,
            "icon": icon,
            "application_id": application_id,
            "abis": abi or (),
            "overwrite": overwrite,
        }
        results: dict[str, Any] = {}
        lines: list[str] = []
        with output.progress() as progress:
            if project is not None:
                from edgeir.android.project import write_project

                written = write_project(bundle, out=project, **shared, progress=progress)
                results["project"], lines = written, [*lines, *_project_lines(written)]
            if out is not None:
                from edgeir.android.build import build_apk

                app = build_apk(
                    bundle,
                    out=out,
                    keystore=keystore,
                    key_alias=key_alias,
                    golden=golden,
                    **shared,
                    progress=progress,
                )
                results["app"], lines = app, [*lines, *_app_lines(app)]
        output.emit(results, lines)


def _app_lines(app: ApkReport) -> list[str]:
    signed = f"with the key that edgeir {KEPT}" if app.debug_key else "with your key"
    rows = [
        ("size", f"{app.bytes / 1e6:.1f} MB, {', '.join(app.abis)}"),
        ("app", f"{app.name} {app.version}, {app.application_id}, Android API {app.min_sdk} and newer"),
        ("permissions", ", ".join(name.removeprefix("android.permission.") for name in app.permissions)),
        ("signed", f"{signed}; v2 and v3, certificate {app.certificate_sha256[:16]}…"),
    ]
    rows += [("bundle", f"{one.name}: {one.source}{_without(one.left_out)}") for one in app.bundles]
    for run in app.golden:
        if run.status == "passed":
            said = f"{run.max_abs_error:.2e} from the network, {run.drift:.2e} from the output at the export"
            rows.append(("golden", f"{run.path.removeprefix('assets/bundles/')}: {run.engine}, {said}"))
        else:
            rows.append(("golden", f"{run.path}: not run: {run.reason}"))
    if app.golden_bytes > MUCH_GOLDEN:
        much = f"{app.golden_bytes / 1e6:.0f} MB of golden images before compression"
        rows.append(("remark", f"{much}: an export with a smaller --size or --io uint8 makes a smaller app"))
    rows.append(
        ("install", f"copy it to the phone and open it there, or adb install -r {app.out}; {NOT_RUN}")
    )
    return [f"wrote {app.out}", *(f"  {line}" for line in table(rows))]


def _project_lines(written: ProjectReport) -> list[str]:
    return [
        f"wrote {written.project}, a project for Android Studio with LiteRT {written.litert}",
        "  only its structure was checked: no Gradle has built it here",
    ]


def _without(left_out: tuple[str, ...]) -> str:
    count = len(left_out)
    return f", without {count} file{'s' * (count > 1)} that the app does not read" if count else ""
