"""Secret bytes wrapped so that they cannot slip into text by accident."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn

_REFUSAL: Final = "a secret is never turned into text; whoever needs its bytes asks for reveal()"


class Secret:
    """Secret bytes: comparable, readable through `reveal` alone, refused by formatting, copying and pickling.

    A plain slotted class and not an attrs value: `attrs.asdict`, `cattrs.unstructure`, Jinja and f-strings all read
    fields of the latter.
    """

    __slots__ = ("_bytes",)
    _bytes: bytes

    def __init__(self, value: bytes) -> None:
        object.__setattr__(self, "_bytes", bytes(value))

    def reveal(self) -> bytes:
        """The bytes. Call it only where they leave for a machine, or for the file they are kept in."""
        return self._bytes

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes, other._bytes)

    __hash__ = None  # type: ignore[assignment]  # a secret in a set or as a key would be a secret in a log

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __reduce__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __getstate__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __copy__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError(_REFUSAL)
