"""What a deploy needs of a machine: the verbs of its own program, and a look at what it is. Tests pass fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.probe import Probe
from mailnix.deploy.values import Changes, Received, Status, Upgrades
from mailnix.errors import DeployError
from mailnix.secrets import Secret
from mailnix.ssh import Way


class Unreached(DeployError):
    """No connection, or one that was lost: what the machine did meanwhile is not known."""


class Refused(DeployError):
    """The machine's program did not do it, and said why; what it says of itself is true afterwards, too."""


class Busy(DeployError):
    """Another change waits for its confirmation there, or is on its way."""


class Machine(Protocol):
    """A machine of the description. Every call is a connection of its own; each may raise Unreached."""

    @property
    def host(self) -> str:
        """Its name in the description."""
        ...

    @property
    def way(self) -> Way:
        """How it is reached."""
        ...

    def also(self, ways: Sequence[Way]) -> None:
        """Further ways in, for when the others lead nowhere."""
        ...

    def probe(self) -> Probe:
        """What it is, asked of a plain shell."""
        ...

    def install(self, program: Path) -> None:
        """Have the package of its program installed; raises Refused with apt's words."""
        ...

    def status(self) -> Status:
        """What runs, what waits, what is there."""
        ...

    def login(self) -> Status:
        """The same by a new connection as whom the description lets in; raises Unreached where only others get in."""
        ...

    def adopt(self, adoption: Mapping[str, Any]) -> None:
        """Make what its image laid its first generation; nothing else changes. Raises Refused, Busy."""
        ...

    def compare(self, credentials: Secret) -> tuple[str, ...]:
        """The names of those in a tar that it has not, or has other bytes of."""
        ...

    def receive(self, number: int, archive: Secret) -> Received:
        """Take a generation's files, whole, and Debian's packages for it."""
        ...

    def forget(self, number: int) -> None:
        """Let go of a generation that came, since nobody switches to it after all."""
        ...

    def plan(self, number: int) -> Changes:
        """What switching to a generation would change."""
        ...

    def ahead(self, number: int) -> None:
        """Have all that a generation's services need, while the former ones run. Raises Refused."""
        ...

    def switch(self, number: int, within: int, token: str, *, databases: bool = False) -> None:
        """Install it; it goes back by itself unless confirmed within so many seconds. Raises Refused, Busy.

        With `databases`, services may go back to what they had in that generation, and lose what came since.
        """
        ...

    def extend(self, number: int, within: int, token: str) -> None:
        """Give a change that is installed more time."""
        ...

    def confirm(self, number: int, token: str) -> None:
        """Let it stay."""
        ...

    def upgrades(self) -> Upgrades:
        """Debian's packages that are newer in its archive. Raises Refused, and Busy while they are being upgraded."""
        ...

    def upgrade(self) -> Upgrades:
        """Upgrade them, which does not go back, and wait for the end; gives what was upgraded. Raises Refused, Busy."""
        ...

    def back(self, token: str | None) -> int | None:
        """Take back what is pending (that of the token, or any), and wait for it; gives what runs then."""
        ...

    def look(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """Ask around from there."""
        ...

    def free(self, address: str) -> Answer:
        """Whether no other machine of its own network has an IPv4 address that it is to have."""
        ...
