"""Bring one machine, or several that a tunnel ties together, to other generations: confirmed together, or taken back.

Whatever happens here (a lost connection, Ctrl-C, a power cut) is survived by the machines: each goes back by itself
unless it is confirmed in time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from attrs import define, evolve, field

from mailnix.deploy.checks import HERE, About, Check, demanded, judged, mailcow, reason, wrong
from mailnix.deploy.commands import Commands
from mailnix.deploy.machine import Busy, Refused, Unreached
from mailnix.deploy.moves import Move
from mailnix.deploy.scene import Scene
from mailnix.deploy.values import End, Outcome, Pending, Seen, Status
from mailnix.errors import DeployError, MailnixError

LOOK_EVERY: Final = 3.0  # seconds
MARGIN: Final = 20.0  # seconds before a machine goes back by itself, in which it is still told to, or confirmed
EACH: Final = 120  # more seconds for every machine of a group that is installed meanwhile
TRIES: Final = 2  # to ask a machine whose connection broke whether it was told
GRACE: Final = 300.0  # seconds that a machine may take to go back, once it is due
ANOTHER_MAILCOW: Final = 900
"""Seconds at least to confirm another Mailcow, whose images are there: the one before has 5 minutes to stop, copying
the database takes one for some gigabytes, and the first start, with new tables, 3 or 4 on a small machine."""

INSTALLING: Final = 1800.0  # and to install


class TakenBack(DeployError):
    """A change came to nothing; `outcomes` has what became of each machine of the group."""

    def __init__(self, message: str, hint: str, outcomes: Sequence[Outcome]) -> None:
        super().__init__(message, hint)
        self.outcomes = tuple(outcomes)


@define
class _Waiting:
    """A machine that waits for its confirmation; `due` is when it goes back by itself, by the scene's clock."""

    move: Move
    within: int
    due: float
    known: bool = False  # whether it said itself when that is


def bring(scene: Scene, moves: Sequence[Move], running: Collection[str], commands: Commands) -> tuple[Outcome, ...]:
    """Switch all of them, see, confirm all; raises TakenBack. `running` are machines that have a generation already."""
    return _Change(scene, tuple(moves), frozenset(running), commands).made()


@define
class _Change:
    scene: Scene
    moves: tuple[Move, ...]
    running: frozenset[str]
    commands: Commands
    token: str = field(factory=lambda: secrets.token_hex(8))
    waiting: dict[str, _Waiting] = field(factory=dict, init=False)
    confirmed: list[str] = field(factory=list, init=False)
    ends: dict[str, End] = field(factory=dict, init=False)
    seen: tuple[Seen, ...] = field(default=(), init=False)
    done: dict[str, tuple[tuple[str, str], ...]] = field(factory=dict, init=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(move.host for move in self.moves)

    @property
    def within(self) -> int:
        """A Mailcow that starts needs its time, and who changes with it waits for it."""
        return max(self.scene.within, ANOTHER_MAILCOW if any(each.mailcow or each.again for each in self.moves) else 0)

    def made(self) -> tuple[Outcome, ...]:
        every = self.scene.checks(self.hosts)
        every += tuple(each for move in self.moves for each in mailcow(move.host, move.mailcow, move.again))
        before = {check for check, (ok, _) in self.scene.asked(every) if ok}
        with self._told_if_interrupted():
            try:
                for move in self.moves:
                    if move.mailcow:
                        self.scene.say(f"{move.host}: fetching what another Mailcow needs, while this one runs")
                        move.machine.ahead(move.number)
                for move in self.moves:
                    self._switch(move)
                self._see(every, before)
                self._confirm()
            except MailnixError as error:
                self._take_back()
                if {*self.hosts} != {*self.confirmed}:
                    raise self._taken_back(error) from None
        return tuple(move.did(self.done.get(move.host, ())).ended(End.CONFIRMED, self.seen) for move in self.moves)

    def _switch(self, move: Move) -> None:
        """Where the connection is lost, the machine goes on by itself; that is looked at later."""
        scene = self.scene
        within = self.within + EACH * (len(self.moves) - 1 - self.moves.index(move))
        scene.say(f"{move.host}: switching to generation {move.number}")
        self.waiting[move.host] = _Waiting(move, within, scene.clock.now() + INSTALLING + within)
        try:
            move.machine.switch(move.number, within, self.token, databases=move.databases)
        except Unreached:
            scene.say(f"{move.host}: the connection broke, as it may; the machine goes on by itself")
            self.waiting[move.host].due = scene.clock.now() + within
            if move is not self.moves[-1]:
                self._make_sure(self.waiting[move.host])
        except (Refused, Busy):
            del self.waiting[move.host]  # it runs what it ran
            raise
        else:
            self.waiting[move.host] = _Waiting(move, within, scene.clock.now() + within, known=True)

    def _make_sure(self, each: _Waiting) -> None:
        """Have it told before the next one changes: the way to home may lead through a tunnel that then has one end.

        Busy machines met it: home had heard nothing, and could be told no more. One that is not reached has begun.
        """
        for _ in range(TRIES):
            with suppress(Unreached):
                self._pending(each, each.move.machine.status())
                return
            self.scene.clock.sleep(LOOK_EVERY)

    def _see(self, every: Sequence[Check], before: Collection[Check]) -> None:
        """Ask until everything demanded is well; raises DeployError in time to take it back."""
        first = {move.host for move in self.moves if move.before is None}
        running = {*self.running, *self.hosts}
        self.scene.say(f"{', '.join(self.hosts)}: looking whether all is well")
        while True:
            self.seen = tuple(self._login(each) for each in self.waiting.values())
            if not wrong(self.seen):
                answers = self.scene.asked(every)
                self.seen += tuple(
                    judged(check, answer, demanded=demanded(check, before, first, running)) for check, answer in answers
                )
            if not (bad := wrong(self.seen)):
                return
            if self.scene.clock.now() > min(each.due for each in self.waiting.values()) - MARGIN:
                raise DeployError(f"{', '.join(self.hosts)}: not confirmed: {reason(bad)}")
            self.scene.clock.sleep(LOOK_EVERY)

    def _login(self, each: _Waiting) -> Seen:
        """A new connection as the description has it, and whether the machine waits for us.

        Another door (a provider's user with sudo) may be used to see what the machine does, and is no sign of any
        other: the next one to remove that user would be locked out.
        """
        seen, machine, shut = Seen(f"{About.LOGIN} to {each.move.host}", HERE, ok=False, said=""), each.move.machine, ""
        try:
            try:
                status = machine.login()
            except Unreached as error:
                shut, status = error.message, machine.status()
            pending = self._pending(each, status)
        except Unreached as error:
            return evolve(seen, said=shut or error.message)
        if not pending.installed:
            each.due = max(each.due, self.scene.clock.now() + self.within)
            return evolve(seen, said="it is still installing")
        self.done[each.move.host] = pending.units
        if not each.known:
            each.due, each.known = self.scene.clock.now() + pending.left, True
        if shut:
            return evolve(seen, said=f"{shut} (only {machine.way} gets in, which does not count)")
        return evolve(seen, ok=True, said=f"{machine.way}, generation {pending.to} waits")

    def _pending(self, each: _Waiting, status: Status) -> Pending:
        if status.pending is not None and status.pending.id == self.token:
            return status.pending
        unheard = status.pending is None and (status.last is None or status.last.id != self.token)
        if unheard and not each.known:  # the connection broke before it was told: it is told again, by the same token
            move = each.move
            move.machine.switch(move.number, each.within, self.token, databases=move.databases)
            status = move.machine.status()
            if status.pending is not None and status.pending.id == self.token:
                return status.pending
        del self.waiting[each.move.host]
        last = status.last
        why = last.why if last is not None and last.id == self.token else "it is not what waits there any more"
        if bad := wrong(self.seen):
            why += f"; seen last: {reason(bad)}"
        raise Refused(f"{each.move.host} went back by itself: {why}")

    def _confirm(self) -> None:
        """First all have time, then all are confirmed, so that none is and another is not."""
        if len(self.waiting) > 1:
            until = min(each.due for each in self.waiting.values()) - MARGIN
            for each in self.waiting.values():
                more = partial(each.move.machine.extend, each.move.number, self.scene.within, self.token)
                self._insist(more, until)
                each.due = max(each.due, self.scene.clock.now() + self.scene.within)
        for host, each in tuple(self.waiting.items()):
            self._insist(partial(each.move.machine.confirm, each.move.number, self.token), each.due)
            self.confirmed.append(host)
            del self.waiting[host]

    def _insist(self, told: Callable[[], None], until: float) -> None:
        """Tell a machine again and again: a connection that broke may have brought it, and to say it twice is no harm.

        Busy machines met it with every check well: one connection that timed out took all of it back.
        """
        while True:
            try:
                return told()
            except Unreached:
                if self.scene.clock.now() > until:
                    raise
            self.scene.clock.sleep(LOOK_EVERY)

    def _take_back(self) -> None:
        """Tell whatever waits, at once; what does not do it now does so by itself, and is waited for.

        What became of each is what it says itself: a confirmation may have come whose answer was lost.
        """
        for host, each in reversed(tuple(self.waiting.items())):
            self.scene.say(f"{host}: taking generation {each.move.number} back")
            with suppress(MailnixError):
                self._ended(each, each.move.machine.back(self.token))
        for each in reversed(tuple(self.waiting.values())):
            self._wait_for(each)

    def _wait_for(self, each: _Waiting) -> None:
        scene, host = self.scene, each.move.host
        left = max(0.0, each.due - scene.clock.now())
        scene.say(f"{host}: did not answer; it goes back by itself at {scene.clock.at(left)}: waiting for that")
        while scene.clock.now() < each.due + GRACE:
            with suppress(MailnixError):  # whatever keeps it from answering now: it goes on by itself
                status = each.move.machine.status()
                if status.pending is None:
                    self._ended(each, status.current)
                    return
            scene.clock.sleep(LOOK_EVERY)
        self.ends[host] = End.GOES_BACK

    def _ended(self, each: _Waiting, current: int | None) -> None:
        """It waits no more, and this generation runs."""
        if current == each.move.number:
            self.confirmed.append(each.move.host)
        del self.waiting[each.move.host]

    def _taken_back(self, error: MailnixError) -> TakenBack:
        """What is raised: what went wrong, and what became of each."""
        ends = dict.fromkeys(self.hosts, End.BACK) | dict.fromkeys(self.confirmed, End.CONFIRMED) | self.ends
        outcomes = [move.ended(ends[move.host], self.seen) for move in self.moves]
        message, hint = f"{error.message}; {_told(outcomes)}", error.hint
        if self.confirmed:
            message += f"; {', '.join(self.confirmed)} had been confirmed a moment before, and stays"
            others = [move.host for move in self.moves if move.host not in self.confirmed]
            hint = f"bring the rest there: {self.commands.deploy(*others)}"
        return TakenBack(message, hint, outcomes)

    @contextmanager
    def _told_if_interrupted(self) -> Iterator[None]:
        """Ctrl-C and the like: the machines do the rest, and who deploys learns when."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            for host, each in self.waiting.items():
                left = max(0.0, each.due - self.scene.clock.now())
                by = f"at {self.scene.clock.at(left)}" if each.known else f"{each.within} seconds after it is installed"
                now = f"generation {each.move.before}" if each.move.before else "what it was before"
                self.scene.say(
                    f"{host}: nobody confirms generation {each.move.number} now, so it goes back to {now} by itself,"
                    f" {by}; sooner: {self.commands.rollback(host)}"
                )
            raise


def _told(outcomes: Sequence[Outcome]) -> str:
    """What the machines that were to change run now."""
    said = []
    for each in outcomes:
        now = f"generation {each.after}" if each.after else "what it ran before mailnix"
        verb = "goes back by itself to" if each.end is End.GOES_BACK else "runs"
        said.append(f"{each.host} {verb} {now}")
    return ", ".join(said)
