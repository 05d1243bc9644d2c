"""Names, application ids, processors and versions: what is taken, and how the rest is refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.android.names import (
    ABIS,
    check_application_id,
    check_name,
    chosen_abis,
    string_resource,
    version_code,
)
from edgeir.core.errors import ConfigError


@pytest.mark.parametrize(
    "good", ["org.edgeir.app", "de.baer.x1", "a.b", "org.my_site.Restore2", "io.new1.app"]
)
def test_an_application_id_is_taken(good: str) -> None:
    assert check_application_id(good) == good


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("restore", "it has no point"),
        ("org..app", "`` is not a letter"),
        ("org.1app", "`1app` is not a letter"),
        ("org.my-site", "`my-site` is not a letter"),
        ("org.böse.app", "`böse` is not a letter"),
        ("org.new.app", "`new` is a word of Java"),
        ("com.example.app", "ids below `com.example` are taken"),
        ("android.app", "ids below `android` are taken"),
        ("org.app; rm -rf", "is not a letter"),
        (f"org.{'a' * 150}", "more than 150"),
        ("", "no point"),
    ],
)
def test_what_is_no_application_id_is_refused_with_the_reason(bad: str, why: str) -> None:
    with pytest.raises(ConfigError) as found:
        check_application_id(bad)
    assert why in str(found.value)
    assert "like org.mysite.restore" in str(found.value)


def test_a_name_is_one_line_that_can_be_printed() -> None:
    assert check_name("  Bär & Söhne  ") == "Bär & Söhne"
    for bad in ("", "   ", "a\nb", "a\x00b", "x" * 51):
        with pytest.raises(ConfigError, match="1 to 50 characters"):
            check_name(bad)


def test_processors_are_in_their_usual_order_and_all_by_default() -> None:
    assert chosen_abis(()) == ABIS
    assert chosen_abis(["x86_64", "arm64-v8a", "x86_64"]) == ("arm64-v8a", "x86_64")
    with pytest.raises(ConfigError, match="there is no library for `arm64`.*arm64-v8a, armeabi-v7a, x86_64"):
        chosen_abis(["arm64"])


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=50))
def test_a_resource_says_what_the_name_says(name: str) -> None:
    """Read back as XML, and as Android reads strings: between quotation marks, a backslash takes the next one as is."""
    text = ET.fromstring(f"<string>{string_resource(name)}</string>").text or ""
    assert text.startswith('"')
    assert text.endswith('"')
    inside, read, index = text[1:-1], "", 0
    while index < len(inside):
        assert inside[index] not in "\"'"
        index += inside[index] == "\\"
        read += inside[index]
        index += 1
    assert read == name


def test_a_newer_version_has_a_larger_code() -> None:
    versions = ["0.1.0", "0.1.1", "0.2.0", "0.10.0", "1.0.0", "1.0.12", "2.0.0rc1"]
    codes = [version_code(version) for version in versions]
    assert codes == sorted(set(codes))
    assert codes[0] == 100
    assert version_code("0.0.0") == 1
