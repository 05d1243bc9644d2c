"""Keys: one that is made and kept, one's own, and wrong passwords; `keytool` is needed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgeir.android.keys import PASSWORD_VARIABLE, Key, debug_key, given_key
from edgeir.core.errors import ConfigError, DeviceError

pytestmark = [pytest.mark.slow, pytest.mark.android]


@pytest.fixture(scope="module")
def keystore(keytool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys, `one` and `two`, whose password is ``right-one``."""
    path = tmp_path_factory.mktemp("keys") / "mine.p12"
    for alias in ("one", "two"):
        words = [str(keytool), "-genkeypair", "-keystore", str(path), "-storetype", "PKCS12", "-alias", alias]
        words += ["-keyalg", "RSA", "-dname", "CN=Test", "-validity", "9999", "-storepass", "right-one"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
    return path


def test_the_key_of_the_cache_is_made_once(
    keytool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    key = debug_key()
    content = key.keystore.read_bytes()
    assert key.debug
    assert key.keystore.stat().st_mode & 0o077 == 0
    assert debug_key() == key
    assert key.keystore.read_bytes() == content
    assert sorted(path.name for path in key.keystore.parent.iterdir()) == [
        ".debug.keystore.lock",
        "debug.keystore",
    ]


def test_no_password_in_a_message_or_a_traceback() -> None:
    assert "secret" not in repr(Key(Path("a.p12"), "one", "secret-1", "secret-2"))


def test_a_key_is_chosen_by_its_name(keystore: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="it holds several keys.*--key-alias: one, two"):
        given_key(keystore, password="right-one")
    with pytest.raises(ConfigError, match="it holds no key `three`.*one, two"):
        given_key(keystore, password="right-one", alias="three")
    monkeypatch.setenv(PASSWORD_VARIABLE, "right-one")
    key = given_key(keystore, alias="two")
    assert (key.alias, key.password, key.key_password, key.debug) == ("two", "right-one", "right-one", False)


def test_a_wrong_or_missing_password(keystore: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="its password is not given.*set EDGEIR_KEYSTORE_PASSWORD"):
        given_key(keystore)
    with pytest.raises(ConfigError, match="the password is wrong") as found:
        given_key(keystore, password="wrong-one")
    assert "wrong-one" not in str(found.value)


def test_what_is_no_keystore(keytool: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jks").write_text("not a keystore")
    with pytest.raises(ConfigError, match="no keystore that Java reads"):
        given_key(tmp_path / "text.jks", password="x" * 8)
    with pytest.raises(ConfigError, match="there is no such keystore"):
        given_key(tmp_path / "none.jks", password="x" * 8)


def test_without_java_it_is_named(keystore: Path, nothing_installed: Path) -> None:
    with pytest.raises(
        DeviceError, match="`keytool` is not installed.*apt-get install openjdk-17-jre-headless"
    ):
        given_key(keystore, password="right-one")
