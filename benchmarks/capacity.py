"""What one proxy carries, and what grows with what: prints the tables of docs/reference/capacity.md.

Run as root: `python benchmarks/capacity.py [--rounds 3] [--only mails,sessions,…]`. Needs npm and Postfix; everything
is on loopback, in a few minutes. Each growth is measured at three sizes; its slope is between the first and the last.
Costs are processor time; rates follow from them, beside Postfix's own of the same run. Measured rates would not do: on
a machine that others use too, haraka-in gets the share of one process, and Postfix that of fifty.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from attrs import frozen

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `rig`

import rig as stands
from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.formats.backend import Backend
from mailnix.pipeline import trees
from mailnix.plan import derive
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn, Limits
from mailnix.tree import Tree
from rig import senders, traffic
from rig.traffic import Traffic

DAY = 86_400_000  # milliseconds
ROW = "| {} |"
DISCARD = f"{stands.TRUSTING}\nvirtual_transport = discard:\nmaillog_file =\n"
WAYS = {
    "10 sessions, 10 mails each": Traffic(sessions=10),
    "50 sessions, 10 mails each": Traffic(),
    "50 at once, a session for each mail": Traffic(mails=4, anew=True),
    "the same, STARTTLS from the sender": Traffic(mails=4, anew=True, tls=True),
}


@frozen
class Path25:
    """The way of mail: a haraka-in, and Postfix behind it."""

    stack: ExitStack
    stand: stands.Stand
    postfix: stands.Postfix

    @classmethod
    def open(cls, stack: ExitStack) -> Path25:
        """Postfix, with STARTTLS as Mailcow has it."""
        stand = stack.enter_context(stands.stand())
        return cls(stack, stand, stack.enter_context(stands.postfix(stand, extra=DISCARD)))

    @property
    def master(self) -> int:
        """Postfix's process id."""
        return int((self.postfix.folder / "queue/pid/master.pid").read_text())

    def haraka(self, domains: Sequence[str] = ("example.org",), sessions: int = 200) -> stands.Haraka:
        """One more haraka-in; one client may have all sessions."""
        port = stands.free_port()
        settings = HarakaIn(
            hostname="mail.example.org",
            listen=(f"127.0.0.1:{port}",),
            backend_host="127.0.0.1",
            backend_port=self.postfix.port,
            domains=tuple(domains),
            certificate_folder=str(self.stand.certificate_folder),
            limits=Limits(sessions=sessions, sessions_per_client=sessions),
            nameserver=f"127.0.0.1:{stands.free_port()}",  # nobody answers
        )
        return self.stack.enter_context(stands.haraka(self.stand, files_in(settings), port))


@frozen
class Cost:
    """Of a mail, processor time in milliseconds: of haraka-in, of Postfix, of its sender."""

    haraka: float
    postfix: float
    sender: float

    @property
    def all(self) -> float:
        """What the processors of one machine have to do."""
        return self.haraka + self.postfix + self.sender


def cost(way: Path25, sent: Traffic, server: stands.Haraka | None = None) -> Cost:
    """Send, through a haraka-in or to Postfix itself."""
    watched = [server.pid if server else None, way.master]
    before = [traffic.processor_ms(pid) if pid else 0.0 for pid in watched]
    own = time.process_time()
    sent.send(server.port if server else way.postfix.port)
    sender = (time.process_time() - own) * 1000 / sent.count
    spent = [traffic.processor_ms(pid) if pid else 0.0 for pid in watched]
    haraka, postfix = ((after - was) / sent.count for after, was in zip(spent, before, strict=True))
    return Cost(haraka, postfix, sender)


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's own."""
    return Cost(*(statistics.median(getattr(each, name) for each in costs) for name in ("haraka", "postfix", "sender")))


def table(*head: str) -> None:
    """A table's first two lines."""
    print()
    row(*head)
    row(*("---" for _ in head))


def row(*cells: str) -> None:
    """One more line."""
    print(ROW.format(" | ".join(cells)), flush=True)


def mails(rounds: int) -> None:
    """What a mail costs, and how many that makes."""
    table(
        "mails of 10 kB", "haraka-in, ms", "Postfix behind it, ms", "Postfix alone, ms", "sender, ms",
        "rate on shared processors beside Postfix alone", "mails a day, one processor",
    )  # fmt: skip
    with ExitStack() as stack:
        way = Path25.open(stack)
        server = way.haraka()
        for _ in range(4):
            Traffic().send(server.port)  # until V8 has compiled what is used
        for name, sent in WAYS.items():
            through, alone = [], []
            for _ in range(rounds):
                alone.append(cost(way, sent))
                through.append(cost(way, sent, server))
            ours, theirs = median(through), median(alone)
            ratio = theirs.all / ours.all
            day = f"{DAY / ours.haraka / 1e6:.0f} million"
            costs = (ours.haraka, ours.postfix, theirs.postfix, ours.sender)
            row(name, *(f"{each:.1f}" for each in costs), f"{ratio:.2f}", day)


@frozen
class Growth:
    """Something measured at three sizes; `unit` of the slope is for one more of what grows, `per` for how many."""

    what: str
    grows: str
    sizes: tuple[int, int, int]
    values: tuple[float, ...]
    unit: str
    per: int = 1

    def print(self) -> None:
        """As a line of the table."""
        slope = (self.values[-1] - self.values[0]) / (self.sizes[-1] - self.sizes[0]) * self.per
        sizes = " / ".join(f"{size:,}" for size in self.sizes)
        values = " / ".join(f"{value:,.1f}" for value in self.values)
        more = f"{self.per:,} more" if self.per > 1 else "one more"
        row(self.grows, sizes, self.what, f"{values} {self.unit}", f"{slope:,.2f} {self.unit} for {more}")


def sessions(_rounds: int) -> Iterator[Growth]:
    """Sessions that are open and say nothing."""
    sizes = (50, 100, 200)
    found = []
    with ExitStack() as stack:
        way = Path25.open(stack)
        for size in sizes:
            server = way.haraka(sessions=400)
            traffic.settled(server.pid, "haraka-in has started")
            found.append(asyncio.run(_held(server, size)) / 1024)
    yield Growth("memory of haraka-in", "sessions, idle, under TLS", sizes, tuple(found), "MB", per=100)


async def _held(server: stands.Haraka, count: int) -> float:
    """Memory while so many sessions are open."""
    opened = [await traffic.Session.open(server.port, tls=True) for _ in range(count)]
    await asyncio.sleep(1)
    used = traffic.memory_kb(server.pid)
    for session in opened:
        session.close()
    return used


def domains(rounds: int) -> Iterator[Growth]:
    """Domains that haraka-in takes mail for."""
    sizes = (100, 1_000, 10_000)
    memory, start, mail, planned = [], [], [], []
    with ExitStack() as stack:
        way = Path25.open(stack)
        for size in sizes:
            names = (*(f"domain{number}.example" for number in range(size - 1)), "example.org")
            server = way.haraka(names)
            traffic.settled(server.pid, "haraka-in has started")
            memory.append(traffic.memory_kb(server.pid) / 1024)
            start.append(traffic.processor_ms(server.pid) / 1000)
            Traffic().send(server.port)
            mail.append(statistics.median(cost(way, Traffic(mails=4), server).haraka for _ in range(rounds)))
            planned.append(_planning(size))
    yield Growth("memory of haraka-in", "domains", sizes, tuple(memory), "MB", per=1_000)
    yield Growth("start of haraka-in, processor time", "domains", sizes, tuple(start), "s", per=1_000)
    yield Growth("a mail, processor time of haraka-in", "domains", sizes, tuple(mail), "ms", per=1_000)
    yield Growth("`mailnix plan`, processor time", "domains", sizes, tuple(planned), "s", per=1_000)


def described(domains: int, proxies: int = 1) -> Topology:
    """So many domains of one mailbox, behind so many proxies."""
    return Topology(
        hostname="mail.example.org",
        proxies=[Proxy(f"proxy{n}", ipv4=f"203.0.113.{n + 10}", hostname=f"mx{n}.example.org") for n in range(proxies)],
        internal=Internal("internal"),
        domains=[Domain(f"domain{n}.example", mailboxes=[Mailbox("someone")]) for n in range(domains)],
    )


def _planning(domains: int) -> float:
    value = described(domains)
    began = time.process_time()
    derive(value)
    return time.process_time() - began


def recipients(rounds: int) -> Iterator[Growth]:
    """Recipients of one mail: Mailcow is asked about each."""
    sizes = (1, 10, 100)
    with ExitStack() as stack:
        way = Path25.open(stack)
        server = way.haraka()
        Traffic().send(server.port)
        found = []
        for size in sizes:
            sent = Traffic(sessions=10, mails=10 if size < 100 else 2, recipients=size)
            found.append(statistics.median(cost(way, sent, server).haraka for _ in range(rounds)))
    yield Growth("a mail, processor time of haraka-in", "recipients", sizes, tuple(found), "ms")


def size(rounds: int) -> Iterator[Growth]:
    """Kilobytes of one mail."""
    sizes = (10, 100, 1_000)
    with ExitStack() as stack:
        way = Path25.open(stack)
        server = way.haraka()
        Traffic().send(server.port)
        found = []
        for kilobytes in sizes:
            sent = Traffic(sessions=5, mails=10, body=traffic.BODY * (kilobytes // 10))
            found.append(statistics.median(cost(way, sent, server).haraka for _ in range(rounds)))
    yield Growth("a mail, processor time of haraka-in", "kB of a mail", sizes, tuple(found), "ms", per=1_000)


def queue(_rounds: int) -> Iterator[Growth]:
    """Mails that wait in haraka-out's queue for their next attempt."""
    sizes = (100, 1_000, 10_000)
    memory, start = [], []
    for waiting in sizes:
        with ExitStack() as stack:
            stand = stack.enter_context(stands.stand())
            sender = senders.haraka_out(stack, stand, {}, limits=Limits(deliveries=0))
            assert sender.haraka is not None
            sender.send("dave@example.net", message=b"Subject: x\r\n\r\n" + traffic.BODY)
            sender.haraka.kill()
            _multiply(Path((sender.haraka.folder / "config/queue_dir").read_text().strip()), waiting)
            sender.haraka.start()
            traffic.settled(sender.haraka.pid, "the queue is read")
            memory.append(traffic.memory_kb(sender.haraka.pid) / 1024)
            start.append(traffic.processor_ms(sender.haraka.pid) / 1000)
    yield Growth("memory of haraka-out", "mails in its queue", sizes, tuple(memory), "MB", per=1_000)
    yield Growth("start of haraka-out, processor time", "mails in its queue", sizes, tuple(start), "s", per=1_000)


def _multiply(folder: Path, count: int) -> None:
    """Make of one mail so many, all due in a day."""
    (mail,) = folder.glob("[0-9]*")
    arrival, _, *rest = mail.name.split("_")
    due = int(arrival) + DAY
    for number in range(count):
        shutil.copyfile(mail, folder / "_".join((str(int(arrival) + number), str(due + number), *rest)))
    mail.unlink()


def proxies(_rounds: int) -> Iterator[Growth]:
    """Proxies in front of the same machine at home."""
    sizes = (1, 2, 4)
    plans = [derive(described(10, proxies=count)) for count in sizes]
    text = [_kilobytes(trees(plan, Backend.NIXOS), "/hosts/internal/") for plan in plans]
    each = [_kilobytes(trees(plan, Backend.NIXOS), "/hosts/proxy0/") for plan in plans]
    records = [float(len(plan.records)) for plan in plans]
    yield Growth("DNS records of ten domains", "proxies", sizes, tuple(records), "records")
    yield Growth("configuration of the machine at home", "proxies", sizes, tuple(text), "kB")
    yield Growth("configuration of each proxy", "proxies", sizes, tuple(each), "kB")


def _kilobytes(tree: Tree, folder: str) -> float:
    return sum(len(file.data) for file in tree.files if file.path.startswith(folder)) / 1000


GROWTHS: dict[str, Callable[[int], Iterator[Growth]]] = {
    each.__name__: each for each in (sessions, domains, recipients, size, queue, proxies)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken")
    parser.add_argument("--only", default=",".join(("mails", *GROWTHS)), help="of: mails, " + ", ".join(GROWTHS))
    options = parser.parse_args()
    wanted = options.only.split(",")
    if wanted != ["proxies"] and (reason := stands.missing()):
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    if "mails" in wanted:
        mails(options.rounds)
    table("what grows", "sizes", "what is measured", "at these sizes", "slope")
    for name, growth in GROWTHS.items():
        if name in wanted:
            for found in growth(options.rounds):
                found.print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
