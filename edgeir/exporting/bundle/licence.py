"""The licence of a bundle: what the network's card states, or a text of the one who makes the bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeir.core.assets import licence_text
from edgeir.core.errors import ConfigError
from edgeir.manifest.card import Card

__all__ = ["Licence", "licence_of"]

APACHE = "Apache-2.0"
LONGEST = 1 << 18


@dataclass(frozen=True)
class Licence:
    """A licence.

    Attributes:
        name: in one line; None: none is stated.
        text: of the file ``LICENSE``.
    """

    name: str | None
    text: str


def licence_of(card: Card, given: str | Path | None = None) -> Licence:
    """The licence in the text file `given`, or that of the card.

    Raises:
        ConfigError: the file is missing, empty or no text.
    """
    if given is not None:
        text = _read(Path(given))
        return Licence(text.strip().splitlines()[0].strip()[:200], text.rstrip() + "\n")
    stated = card.provenance.get("licence")
    if not isinstance(stated, str) or not stated.strip():
        return Licence(
            None,
            f"The card of the network `{card.name}` states no licence.\n"
            "Ask whoever trained it before you pass it on or sell what contains it.\n",
        )
    name = " ".join(stated.split())
    data = card.provenance.get("training_data")
    about = f"Trained on: {data}.\n" if isinstance(data, str) else ""
    whole = f"\n{licence_text()}" if name.startswith(APACHE) else ""
    return Licence(name, f"Network `{card.name}`: {name}.\n{about}{whole}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            text = stream.read(LONGEST + 1).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"the licence cannot be read: {error.strerror}"], where=path) from error
    except UnicodeDecodeError as error:
        raise ConfigError(["the licence is not UTF-8 text"], where=path) from error
    if not text.strip() or len(text) > LONGEST:
        raise ConfigError(["the licence is empty or no licence"], where=path, fix="name a text file")
    return text
