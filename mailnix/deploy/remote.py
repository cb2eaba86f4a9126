"""A machine over SSH. Until it is switched its calls share a connection; after that each has one of its own, and so
shows that one is let in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from mailnix.deploy import probe as probes
from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.doors import Door
from mailnix.deploy.machine import Busy, Refused, Unreached
from mailnix.deploy.nixos import program as nixos
from mailnix.deploy.reading import read_answers, read_json
from mailnix.deploy.values import Changes, Received, Status, Upgrades
from mailnix.errors import CommandFailed, DeployError
from mailnix.run import Completed, Runner, run
from mailnix.secrets import Secret
from mailnix.services.generations.names import PROGRAM
from mailnix.ssh import NO_SUCH_PROGRAM, SSH_FAILED, Way, failure, last_line, sent_elsewhere

BUSY: Final = 4
WAITING: Final = "waiting for "
"""How our program, and apt, begin to say that they wait for another program."""

SHORT: Final = 300.0  # seconds; dpkg reads all that is installed to see what was changed by hand
SENDING: Final = 3600.0  # a slow line at home, and Debian's packages
FETCHING: Final = 7500.0  # some gigabytes of images; the machine's program gives up before
CHANGING: Final = 1800.0  # dpkg on a small machine, forwards or back

_INSTALL: Final = """\
set -e
folder=$(mktemp -d /var/tmp/mailnix.XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cat > "$folder/$1"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
install="apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends --allow-downgrades install"
if ! $install "$folder/$1" >&2; then
    apt-get -q update >&2
    $install "$folder/$1" >&2
fi
"""
LOOK: Final = files("mailnix.deploy") / "guest" / "look.py"
NEIGHBOUR: Final = files("mailnix.deploy") / "guest" / "neighbour.py"


@define
class Remote:
    """A machine that is reached by the first of its ways that leads there; `later` ones are for after a change."""

    host: str
    doors: tuple[Door, ...]
    later: tuple[Door, ...] = ()
    sockets: Path | None = None
    runner: Runner = run
    say: Callable[[str], None] = lambda _text: None
    at: int = field(default=0, init=False)
    heard: str = field(default="", init=False)
    is_nixos: bool = field(default=False, init=False)
    claims: dict[int, str] = field(factory=dict, init=False)

    @classmethod
    def by(
        cls,
        host: str,
        ways: Sequence[Way],
        later: Sequence[Way] = (),
        sockets: Path | None = None,
        runner: Runner = run,
        say: Callable[[str], None] = lambda _text: None,
    ) -> Remote:
        """A machine that is reached by one of these; raises DeployError for what is no target.

        `sockets` is a folder of our own for connections that are shared.
        """
        for way in ways:
            if not way.is_target:
                raise DeployError(f"{way.target!r} is no SSH target", f"write --to {host}=root@ADDRESS")
        return cls(host, tuple(map(Door, ways)), tuple(map(Door, later)), sockets, runner, say)

    @property
    def way(self) -> Way:
        """The one in use."""
        return self.doors[self.at].way

    def also(self, ways: Sequence[Way]) -> None:
        """After those that are known, unless somebody said where the machine is: the plan's might be another."""
        if {*self.doors} <= {*self.later}:
            self.doors = tuple(dict.fromkeys((*self.doors, *map(Door, ways))))

    def probe(self) -> probes.Probe:
        """What it is. From here on it is known where sudo is wanted; once it is ours, root himself is let in, too."""
        done = self._any(["sh", "-s"], probes.SCRIPT.encode(), SHORT, lambda _error: False)  # ours ends with 0
        if not probes.answered(done.stdout):
            elsewhere = sent_elsewhere(f"{done.stdout}\n{done.stderr}", self.way, f"--to {self.host}=")
            raise Unreached(elsewhere.message, elsewhere.hint)
        found = probes.read(done.stdout)
        self.is_nixos = found.is_nixos
        if found.sudo:
            used = self.doors[self.at].way
            as_root = Way(used.target, used.jump, used.config, user="root")
            self.doors, self.at = (Door(used, sudo=True),), 0
            self.later = (Door(as_root), *self.later)
        return found

    def install(self, program: Path) -> None:
        """By apt, for it needs Python."""
        try:
            self._any(["sh", "-c", _INSTALL, "sh", program.name], program.read_bytes(), SENDING)
        except CommandFailed as error:
            hint = f"see what apt says there: {self.way.typed('apt-get', '-f', 'install')}"
            raise Refused(f"{self.host} did not install {program.name}: {last_line(error.last_lines)}", hint) from None

    def status(self) -> Status:
        """As the program says."""
        return Status.read(self._verb("status"))

    def login(self) -> Status:
        """As `status`, by a door that the description leaves open: as root, not as a provider's user with sudo."""
        return Status.read(self._verb("status", numbers=[n for n, door in enumerate(self.doors) if not door.sudo]))

    def adopt(self, adoption: Mapping[str, Any]) -> None:
        """As the program does."""
        self._verb("adopt", stdin=json.dumps(adoption).encode(), timeout=CHANGING)

    def compare(self, credentials: Secret) -> tuple[str, ...]:
        """As the program says."""
        return tuple(self._verb("compare", stdin=credentials)["credentials"])

    def receive(self, number: int, archive: Secret) -> Received:
        """As the program does."""
        said = self._verb("receive", str(number), stdin=archive, timeout=SENDING)
        self.claims[number] = said.get("claim", "")
        return Received.read(said)

    def forget(self, number: int) -> None:
        """As the program does."""
        self._verb("forget", str(number), *self._claimed(number))

    def plan(self, number: int) -> Changes:
        """As the program says."""
        return Changes.read(self._verb("plan", str(number), *self._claimed(number), timeout=CHANGING))

    def ahead(self, number: int) -> None:
        """As the program does."""
        self._verb("ahead", str(number), timeout=FETCHING)

    def switch(self, number: int, within: int, token: str, *, databases: bool = False) -> None:
        """As the program does; a connection that is lost meanwhile changes nothing there."""
        self.sockets, self.doors = None, tuple(dict.fromkeys((*self.doors, *self.later)))
        words = ("--within", str(within), "--id", token, *(("--databases",) if databases else ()))
        self._verb("switch", str(number), *words, *self._claimed(number), timeout=CHANGING)

    def upgrades(self) -> Upgrades:
        """As the program says."""
        return Upgrades.read(self._verb("upgrades", timeout=CHANGING))

    def upgrade(self) -> Upgrades:
        """As the program does; a connection that is lost meanwhile changes nothing there."""
        self.sockets = None
        return Upgrades.read(self._verb("upgrade", timeout=CHANGING))

    def extend(self, number: int, within: int, token: str) -> None:
        """As the program does."""
        self._verb("extend", str(number), "--within", str(within), "--id", token)

    def confirm(self, number: int, token: str) -> None:
        """As the program does."""
        self._verb("confirm", str(number), "--id", token)

    def back(self, token: str | None) -> int | None:
        """As the program does."""
        current = self._verb("back", *(("--id", token) if token else ()), timeout=CHANGING)["current"]
        return None if current is None else int(current)

    def look(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """By a program that is sent along."""
        return self._sent_along(LOOK.read_bytes(), questions)

    def free(self, address: str) -> Answer:
        """Likewise."""
        return self._sent_along(NEIGHBOUR.read_bytes(), [address])[0]

    def _sent_along(self, program: bytes, asked: Sequence[object]) -> Sequence[Answer]:
        python = nixos.PYTHON if self.is_nixos else ("python3",)
        said = self._any((*python, "-I", "-", json.dumps(asked)), program, SHORT + 20 * len(asked))
        answers = read_answers(said)
        if len(answers) != len(asked):
            raise self._no_answer(said)
        return answers

    def _claimed(self, number: int) -> tuple[str, ...]:
        return ("--claim", claim) if (claim := self.claims.get(number)) else ()

    def _verb(
        self,
        *words: str,
        stdin: Secret | bytes | None = None,
        timeout: float = SHORT,
        numbers: Collection[int] | None = None,
    ) -> dict[str, Any]:
        data = stdin.reveal() if isinstance(stdin, Secret) else stdin
        try:
            program = nixos.PROGRAM if self.is_nixos else (PROGRAM,)
            said = self._any((*program, *words), data, timeout, _answered, numbers)
        except CommandFailed as error:
            raise self._refused(error) from None
        found = read_json(said.stdout)
        if isinstance(found, dict):
            return found
        raise self._no_answer(said)

    def _any(
        self,
        words: Sequence[str],
        stdin: bytes | None,
        timeout: float,
        answered: Callable[[CommandFailed], bool] = lambda _error: True,
        numbers: Collection[int] | None = None,
    ) -> Completed:
        """By the way that worked last, else the others; raises Unreached by its failure where none leads there.

        `answered` tells a failure of what was called from that of something else which somebody runs instead: a forced
        command in authorized_keys (sshd(8)), with which providers send root's visitors elsewhere. `numbers` are the
        doors that count, where not all do.
        """
        first: CommandFailed | None = None
        tried = self.at
        every = range(len(self.doors)) if numbers is None else numbers
        for number in sorted(every, key=lambda each: each != self.at):
            try:
                call = self.doors[number].argv(words, self.sockets)
                done = self.runner(call, stdin=stdin, timeout=timeout, on_line=self._waits)
            except CommandFailed as error:
                if error.status not in (None, SSH_FAILED) and answered(error):
                    self.at = number
                    raise
                tried, first = (number, error) if first is None else (tried, first)
                continue
            self.at = number
            return done
        assert first is not None, "a machine has a way"
        to = f"--to {self.host}="
        if first.status in (None, SSH_FAILED):
            found = failure(first, self.host, self.doors[tried].way, to)
        else:
            found = sent_elsewhere(first.last_lines, self.doors[tried].way, to)
        raise Unreached(found.message, found.hint)

    def _waits(self, line: str) -> None:
        """Say once what somebody there waits for."""
        if line.lower().startswith(WAITING) and line != self.heard:
            self.heard = line
            self.say(f"{self.host}: {line}")

    def _no_answer(self, said: Completed) -> Refused:
        return Refused(
            f"{self.host} ({self.way}) gave no answer; your shell prints: {said.stdout.strip()[:80] or 'nothing'}",
            "what ~/.bashrc and the like print without a terminal comes in between: let them print nothing then",
        )

    def _refused(self, error: CommandFailed) -> DeployError:
        said = last_line(error.last_lines).removeprefix("generations: ") or f"status {error.status}"
        if error.status == BUSY:
            return Busy(said)
        if error.status == NO_SUCH_PROGRAM:
            return Refused(f"{self.host} ({self.way}) has no {PROGRAM}", f"mailnix deploy CONFIG {self.host} brings it")
        journal = self.way.typed("journalctl", "-b", "-u", "mailnix-*")
        return Refused(f"{self.host}: {said}", f"its journal may say more: {journal}")


def _answered(error: CommandFailed) -> bool:
    """Whether our program failed, or the shell that has none."""
    return error.status == NO_SUCH_PROGRAM or "generations: " in error.last_lines
