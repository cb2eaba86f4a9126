"""How fast a queue empties: haraka-out beside Postfix, with the same concurrency, before the same receivers.

Run as root: `python benchmarks/outgoing.py [--mails 1500] [--delay 0.02]`. Needs npm and Postfix; everything is on
loopback. Four receivers, each of a domain of its own, answer every command after the delay, as from another continent,
and take PIPELINING; five connections to each. 10 kB messages. The queue is filled first, then opened; what is measured
is from the first message that arrives to the last. With `--busy`, instead: how long a mail to a healthy server takes
while mails to mute, slow and refusing ones fill the queue.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import smtplib
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray
from pathlib import Path

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `rig`

import rig as stands
from mailnix import run
from mailnix.services.haraka.values import Limits, Patience
from rig import senders

RECEIVERS = 4
AT_ONCE = 5  # connections to each
BODY = (b"y" * 78 + b"\r\n") * 125
DOMAINS = [f"d{n}.example" for n in range(RECEIVERS)]
POSTFIX = (
    f"smtp_destination_concurrency_limit = {AT_ONCE}\ninitial_destination_concurrency = {AT_ONCE}\n"
    "queue_run_delay = 1s\nsmtpd_data_restrictions = check_client_access static:hold\n"
)


@frozen
class Receivers:
    """What the receivers' process has counted: when each mail arrived, and at which receiver."""

    ports: tuple[int, ...]
    count: Synchronized[int]
    when: SynchronizedArray[float]
    where: SynchronizedArray[int]

    def arrived(self, mails: int) -> None:
        """Wait for so many."""
        stands.until(lambda: self.count.value >= mails, f"{mails} mails", seconds=900)

    def rate(self, mails: int) -> float:
        """Mails a second, from the first to the last."""
        return (mails - 1) / (max(self.when[:mails]) - min(self.when[:mails]))

    def lead(self, mails: int) -> int:
        """By how many mails one receiver was ever ahead of another, of those that had as many to come."""
        got = [0] * len(self.ports)
        most = 0
        for receiver in self.where[: mails * 9 // 10]:
            got[receiver] += 1
            most = max(most, max(got) - min(got))
        return most


class Receiver(asyncio.Protocol):
    """One connection to a mail server far away."""

    def __init__(self, number: int, delay: float, receiving: Receivers) -> None:
        self.number, self.delay, self.receiving = number, delay, receiving
        self.unread = b""
        self.amid_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.say(b"220 far.example")

    def say(self, line: bytes) -> None:
        """Answer, after the delay."""
        asyncio.get_running_loop().call_later(self.delay, self.transport.write, line + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """Take commands and messages apart."""
        self.unread += data
        while True:
            end = b"\r\n.\r\n" if self.amid_data else b"\r\n"
            line, found, rest = self.unread.partition(end)
            if not found:
                return
            self.unread = rest
            if self.amid_data:
                self.keep()
            else:
                self.answer(line.split(b" ")[0].upper())

    def answer(self, verb: bytes) -> None:
        """Answer a command."""
        self.amid_data = verb == b"DATA"
        answers = {b"EHLO": b"250-far\r\n250-PIPELINING\r\n250 8BITMIME", b"DATA": b"354 go on", b"QUIT": b"221 bye"}
        self.say(answers.get(verb, b"250 2.0.0 fine"))

    def keep(self) -> None:
        """Count a message."""
        self.amid_data = False
        receiving = self.receiving
        with receiving.count.get_lock():
            receiving.when[receiving.count.value] = time.monotonic()
            receiving.where[receiving.count.value] = self.number
            receiving.count.value += 1
        self.say(b"250 2.0.0 kept")


def serve(receiving: Receivers, delay: float) -> None:
    """Be all receivers, for ever."""

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        for number, port in enumerate(receiving.ports):
            await loop.create_server(partial(Receiver, number, delay, receiving), "127.0.0.1", port, backlog=200)
        await asyncio.Event().wait()

    asyncio.run(listen())


@contextmanager
def receivers(mails: int, delay: float) -> Iterator[Receivers]:
    """Receivers that take mails, with what they have counted."""
    fork = multiprocessing.get_context("fork")
    ports = tuple(stands.free_port() for _ in range(RECEIVERS))
    receiving = Receivers(ports, fork.Value("i", 0), fork.Array("d", mails * 2), fork.Array("i", mails * 2))
    process = fork.Process(target=serve, args=(receiving, delay), daemon=True)
    process.start()
    stands.until(lambda: all(stands.answers(port) for port in ports), "the receivers listen")
    try:
        yield receiving
    finally:
        process.kill()


def fill(port: int, mails: int) -> None:
    """Hand over so many mails, to each domain in turn."""
    with smtplib.SMTP("127.0.0.1", port, "mailcow", timeout=60, source_address=("127.0.0.2", 0)) as session:
        for number in range(mails):
            message = b"From: alice@example.org\r\nSubject: %d\r\n\r\n" % number + BODY
            session.sendmail("alice@example.org", [f"dave@{DOMAINS[number % RECEIVERS]}"], message)


@frozen
class Figures:
    """Of one server."""

    rate: float
    lead: int
    cost: str = ""


def by_postfix(stand: stands.Stand, mails: int, delay: float) -> Figures:
    """A Postfix that holds every mail, until all are released."""
    with ExitStack() as stack:
        receiving = stack.enter_context(receivers(mails, delay))
        ways = ", ".join(f"{{ {d} = smtp:[127.0.0.1]:{p} }}" for d, p in zip(DOMAINS, receiving.ports, strict=True))
        extra = f"{senders.POSTFIX_OUT}{POSTFIX}transport_maps = inline:{{ {ways} }}\n"
        running = stack.enter_context(stands.postfix(stand, extra=extra))
        fill(running.port, mails)
        run.run([run.require("postsuper", "postfix"), "-c", running.folder / "etc", "-H", "ALL"], timeout=300)
        receiving.arrived(mails)
        return Figures(receiving.rate(mails), receiving.lead(mails))


def by_haraka(stand: stands.Stand, mails: int, delay: float) -> Figures:
    """A haraka-out that delivers nothing until its queue is full, and is then started anew with its own settings."""
    with ExitStack() as stack:
        receiving = stack.enter_context(receivers(mails, delay))
        routes: dict[str, list[senders.Server]] = {
            domain: [{"exchange": "127.0.0.1", "port": port, "from_dns": "", "priority": 0}]
            for domain, port in zip(DOMAINS, receiving.ports, strict=True)
        }
        closed = Limits(deliveries=0, deliveries_per_domain=AT_ONCE)
        sender = senders.haraka_out(stack, stand, routes, Patience(), limits=closed)
        assert sender.haraka is not None
        fill(sender.port, mails)
        sender.haraka.kill()
        settings = sender.haraka.folder / "config/deliveries.ini"
        settings.write_text(settings.read_text().replace("total=0\n", f"total={RECEIVERS * AT_ONCE}\n"))
        sender.haraka.start()
        receiving.arrived(mails)
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
        ticks = sum(int(ticks) for ticks in Path(f"/proc/{sender.haraka.pid}/stat").read_text().split()[13:15])
        processor = ticks / os.sysconf("SC_CLK_TCK") / mails * 1000
        cost = f"{processor:.1f} ms of processor a mail, {sender.haraka.most_memory} MB"
        return Figures(receiving.rate(mails), receiving.lead(mails), cost)


def bulk(stand: stands.Stand, mails: int, delay: float, rounds: int) -> None:
    """Both servers in turn, and their ratio."""
    measures = {"Postfix": by_postfix, "haraka-out": by_haraka}
    rates: dict[str, list[float]] = {name: [] for name in measures}
    print(f"{mails} mails, {RECEIVERS} receivers, {delay * 1000:.0f} ms, {AT_ONCE} connections to each")
    for _ in range(rounds):
        for name, measure in measures.items():
            figures = measure(stand, mails, delay)
            rates[name].append(figures.rate)
            print(f"{name:<12} {figures.rate:8.0f}/s   lead {figures.lead:4}   {figures.cost}", flush=True)
    ratio = statistics.median(rates["haraka-out"]) / statistics.median(rates["Postfix"])
    print(f"ratio of medians {ratio:.2f} (wanted: 0.5)")


def busy(stand: stands.Stand) -> None:
    """200 mails to bad servers, then some to a good one."""
    kinds: list[Mapping[str, object]] = [
        {"replies": {"": stands.MUTE}},
        {"replies": {"MAIL": stands.MUTE}},
        {"dot_seconds": 60},
        {"replies": {"": "554 no"}},
        {"replies": {"RCPT": "450 later"}},
    ]
    with ExitStack() as stack, senders.sinks({}, *kinds * 20) as (good, *bad):
        routes = {f"bad{n}.example": [server] for n, server in enumerate(bad)}
        sender = senders.haraka_out(stack, stand, {**routes, "example.net": [good]}, Patience())
        for number in range(200):
            sender.send(f"dave@{list(routes)[number % len(routes)]}")
        took = []
        for _ in range(10):
            began, before = time.monotonic(), len(good.messages)
            sender.send()
            while len(good.messages) == before:
                time.sleep(0.01)
            took.append(time.monotonic() - began)
        print(f"200 mails to {len(bad)} bad servers; then ten to a good one took {max(took):.2f} s at most (wanted: 5)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1500)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds before each answer")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--busy", action="store_true", help="a healthy receiver among bad ones instead")
    options = parser.parse_args()
    if reason := stands.missing():
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    with stands.stand() as stand:
        if options.busy:
            busy(stand)
        else:
            bulk(stand, options.mails, options.delay, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
