"""The key that an app is signed with, and the signing: schemes v2 and v3, which cover the whole file.

Phones take an update of an app only with the same key. Where none is given, a key is made once and kept in the cache
folder: good for your own phones; a shop such as Google Play wants a key of your own, which you keep.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from edgeir.android.artifacts import MIN_SDK
from edgeir.android.base import ROOT
from edgeir.android.tools import apksigner, jdk_program, run
from edgeir.core.cache import cache_root
from edgeir.core.errors import ConfigError, ExportError
from edgeir.core.files import atomic_file, exclusive

__all__ = ["PASSWORD_VARIABLE", "Key", "debug_key", "given_key", "sign"]

PASSWORD_VARIABLE, KEY_PASSWORD_VARIABLE = "EDGEIR_KEYSTORE_PASSWORD", "EDGEIR_KEY_PASSWORD"
DEBUG_PASSWORD, DEBUG_ALIAS = "android", "androiddebugkey"
"""Those of Android's own debug keys."""
DEBUG_OWNER, DEBUG_DAYS = "CN=Android Debug, O=Android, C=US", 30 * 365
_ENGLISH = ("-J-Duser.language=en", "-J-Duser.country=US")
_STORE, _KEY = "EDGEIR_STORE_SECRET", "EDGEIR_KEY_SECRET"
"""Variables by which passwords reach the programs: arguments can be seen by every user of a machine."""


@dataclass(frozen=True)
class Key:
    """A key in a Java keystore (PKCS #12 or JKS).

    Attributes:
        alias: its name there.
        password: of the keystore.
        key_password: of the key; often the same.
        debug: made by edgeir.
    """

    keystore: Path
    alias: str
    password: str = field(repr=False)
    key_password: str = field(repr=False)
    debug: bool = False


def debug_key() -> Key:
    """The key in the cache folder, made where it is not there (RSA, 2048 bits).

    Raises:
        DeviceError: ``keytool`` is not installed.
        ExportError: it fails.
    """
    path = cache_root() / ROOT / "debug.keystore"
    if not path.is_file():
        keytool = jdk_program("keytool")
        with exclusive(path):
            if not path.is_file():
                with atomic_file(path) as temporary:
                    temporary.unlink()  # keytool wants to make the file itself
                    words = [
                        keytool,
                        *_ENGLISH,
                        "-genkeypair",
                        "-keystore",
                        temporary,
                        "-storetype",
                        "PKCS12",
                    ]
                    words += [
                        "-alias",
                        DEBUG_ALIAS,
                        "-keyalg",
                        "RSA",
                        "-keysize",
                        "2048",
                        "-dname",
                        DEBUG_OWNER,
                    ]
                    words += ["-validity", str(DEBUG_DAYS), "-storepass:env", _STORE]
                    run(words, "making a key", secrets={_STORE: DEBUG_PASSWORD})
        path.chmod(0o600)
    return Key(path, DEBUG_ALIAS, DEBUG_PASSWORD, DEBUG_PASSWORD, debug=True)


def given_key(
    keystore: Path, *, password: str | None = None, alias: str | None = None, key_password: str | None = None
) -> Key:
    """A key of your own; its passwords are tried here, before the work.

    Args:
        password: by default that in ``$EDGEIR_KEYSTORE_PASSWORD``.
        alias: may be left out where there is one key.
        key_password: by default that in ``$EDGEIR_KEY_PASSWORD``, or else the keystore's.

    Raises:
        ConfigError: no such file, no keystore, a wrong or missing password, no or several keys.
        DeviceError: ``keytool`` is not installed.
    """
    if not keystore.is_file():
        raise ConfigError(["there is no such keystore"], where=keystore, fix="keytool -genkeypair makes one")
    opened = password or os.environ.get(PASSWORD_VARIABLE)
    if not opened:
        raise ConfigError(["its password is not given"], where=keystore, fix=f"set {PASSWORD_VARIABLE}")
    words = [jdk_program("keytool"), *_ENGLISH, "-list", "-keystore", keystore, "-storepass:env", _STORE]
    try:
        said = run(words, "opening the keystore", secrets={_STORE: opened})
    except ExportError as error:
        raise _refused(keystore, error.what) from error
    names = re.findall(r"^(.+?), [^\n]*PrivateKeyEntry", said, re.MULTILINE)
    if not names:
        raise ConfigError(["it holds no private key"], where=keystore, fix="keytool -genkeypair makes one")
    chosen = alias or (names[0] if len(names) == 1 else None)
    if chosen is None or chosen.lower() not in (name.lower() for name in names):
        what = "it holds several keys" if chosen is None else f"it holds no key `{alias}`"
        raise ConfigError([what], where=keystore, fix=f"name one with --key-alias: {', '.join(names)}")
    own = key_password or os.environ.get(KEY_PASSWORD_VARIABLE) or opened
    return Key(keystore.absolute(), chosen, opened, own)


def sign(unsigned: Path, signed: Path, key: Key) -> None:
    """Write `signed`, the package with its signatures.

    Raises:
        DeviceError: ``apksigner`` is not installed.
        ConfigError: the key's password is wrong.
        ExportError: it cannot sign.
    """
    words = [apksigner(), "sign", "--ks", key.keystore, "--ks-key-alias", key.alias]
    words += ["--ks-pass", f"env:{_STORE}", "--key-pass", f"env:{_KEY}", "--min-sdk-version", str(MIN_SDK)]
    words += ["--v1-signing-enabled", "false", "--v2-signing-enabled", "true", "--v3-signing-enabled", "true"]
    words += ["--v4-signing-enabled", "false", "--in", unsigned, "--out", signed]
    try:
        run(words, "signing the app", secrets={_STORE: key.password, _KEY: key.key_password})
    except ExportError as error:
        if _is_password(error.what):
            raise _refused(key.keystore, error.what) from error
        raise


def _is_password(said: str) -> bool:
    return re.search(r"password|recover|decrypt|UnrecoverableKey|BadPadding", said, re.IGNORECASE) is not None


def _refused(keystore: Path, said: str) -> ConfigError:
    if _is_password(said):
        fix = f"set {PASSWORD_VARIABLE}, and {KEY_PASSWORD_VARIABLE} where the key has another one"
        return ConfigError(["the password is wrong"], where=keystore, fix=fix)
    return ConfigError(
        [f"it is no keystore that Java reads: {said}"], where=keystore, fix="PKCS #12 or JKS is read"
    )
