"""The serial console's log: its last lines, and the signs that a guest will never come up."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import define, field

KEPT_LINES = 40
KEPT_BYTES = 64 * 1024

DEAD_ENDS: tuple[tuple[bytes, str], ...] = (
    (b"Kernel panic - not syncing", "the kernel panicked"),
    (b"Dropping to a shell!", "its root file system was not found"),
    (b"You are in emergency mode", "it went into emergency mode"),
    (b"grub rescue>", "its boot loader does not find its files"),
    (b"error: no such device", "its boot loader does not find its disk"),
    (b"BdsDxe: No bootable option", "its firmware finds nothing to boot"),
)
"""What a console shows where no waiting helps, and what it means."""

# Colours, cursor movements, titles and the questions that a terminal would answer (ECMA-48 control sequences).
_CONTROL = re.compile(
    rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b\[[0-?]*[ -/]*[@-~]"
    rb"|\x1b[()][0-9A-B]"
    rb"|\x1b[@-Z\\-_c]"
    rb"|[\x00-\x08\x0b-\x1f\x7f]"
)


def plain(raw: bytes) -> str:
    """Console output as text that can be shown anywhere."""
    return _CONTROL.sub(b"", raw).decode(errors="replace")


@define
class Console:
    """What the serial console printed since the machine was switched on; QEMU appends to `log`."""

    log: Path
    _searched: int = field(default=0, init=False)
    _found: str = field(default="", init=False)

    @property
    def older_log(self) -> Path:
        """What it printed before it was switched on last."""
        return self.log.with_suffix(".old.log")

    def new_boot(self) -> None:
        """Put away what earlier boots printed: from here on a new one writes."""
        self._searched, self._found = 0, ""
        if self.log.exists():
            with self.older_log.open("ab") as older:
                older.write(self.log.read_bytes())
            self.log.unlink()

    def dead_end(self) -> str:
        """Why this boot will never come up ("the kernel panicked"), or "". Reads only what is new."""
        if not self._found:
            overlap = max(len(sign) for sign, _ in DEAD_ENDS)
            start = max(0, self._searched - overlap)
            fresh = self._read(start)
            self._searched = start + len(fresh)
            self._found = next((meaning for sign, meaning in DEAD_ENDS if sign in fresh), "")
        return self._found

    def text(self) -> str:
        """What this boot printed so far."""
        return plain(self._read(0))

    def tail(self, lines: int = KEPT_LINES) -> str:
        """The last lines of this boot."""
        size = self.log.stat().st_size if self.log.exists() else 0
        raw = self._read(max(0, size - KEPT_BYTES))
        return "\n".join([line for line in plain(raw).splitlines() if line.strip()][-lines:])

    def _read(self, start: int) -> bytes:
        try:
            with self.log.open("rb") as stream:
                stream.seek(start)
                return stream.read()
        except FileNotFoundError:
            return b""
