"""How fast mail passes haraka-in: beside the Postfix behind it alone, and beside Haraka as it comes.

Run as root: `python benchmarks/mail_path.py [--seconds 3] [--rounds 3] [--tls]`. Needs npm and Postfix; everything is
on loopback. 10 kB messages, many on each session, thrown away by Postfix. Each figure is of all rounds together.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from attrs import define, field, frozen

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stand is the tests'

import rig as stands
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.units import NODE_OPTIONS
from mailnix.services.haraka.values import HarakaIn, Limits

SESSIONS = (1, 10, 50)
MESSAGE = b"From: a@example.net\r\nTo: alice@example.org\r\nSubject: x\r\n\r\n" + (b"y" * 78 + b"\r\n") * 125 + b".\r\n"


@frozen
class Target:
    """Something to send to; `pid` where its memory is of interest."""

    name: str
    port: int
    pid: int | None = None

    def memory(self) -> str:
        """Resident memory in MB."""
        if self.pid is None:
            return "-"
        status = Path(f"/proc/{self.pid}/status").read_text()
        return str(int(status.split("VmRSS:")[1].split()[0]) // 1024)


@define
class Figures:
    """Seconds that each message took, and seconds of sending."""

    took: list[float] = field(factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second."""
        return len(self.took) / self.seconds

    def at(self, percent: int) -> float:
        """A percentile, in milliseconds."""
        return statistics.quantiles(self.took, n=100)[percent - 1] * 1000


async def session(port: int, start: asyncio.Event, until: list[float], took: list[float]) -> None:
    """One SMTP session that sends message after message."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def say(line: bytes, expected: bytes) -> None:
        if line:
            writer.write(line)
        while True:
            reply = await reader.readline()
            if reply[3:4] != b"-":
                break
        assert reply.startswith(expected), (line[:40], reply)

    await say(b"", b"220")
    await say(b"EHLO bench.example.net\r\n", b"250")
    await start.wait()
    while time.perf_counter() < until[0]:
        began = time.perf_counter()
        await say(b"MAIL FROM:<a@example.net>\r\n", b"250")
        await say(b"RCPT TO:<alice@example.org>\r\n", b"250")
        await say(b"DATA\r\n", b"354")
        await say(MESSAGE, b"250")
        took.append(time.perf_counter() - began)
    writer.write(b"QUIT\r\n")
    writer.close()


async def measure(port: int, sessions: int, seconds: float, figures: Figures) -> None:
    """Send on so many sessions at once for so many seconds."""
    start, until = asyncio.Event(), [0.0]
    tasks = [asyncio.create_task(session(port, start, until, figures.took)) for _ in range(sessions)]
    await asyncio.sleep(1)  # everybody has been greeted
    began = time.perf_counter()
    until[0] = began + seconds
    start.set()
    await asyncio.gather(*tasks)
    figures.seconds += time.perf_counter() - began


def ours(stand: stands.Stand, backend: int, port: int) -> Mapping[str, str]:
    """Our folder; one client may have many sessions here."""
    settings = HarakaIn(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        backend_host="127.0.0.1",
        backend_port=backend,
        domains=("example.org",),
        certificate_folder=str(stand.certificate_folder),
        limits=Limits(sessions_per_client=200),
    )
    return files_in(settings)


def stock(stand: stands.Stand, backend: int, port: int) -> Mapping[str, str]:
    """Haraka's own defaults, and only what it needs to hand mail on."""
    defaults = stand.tree / "Haraka/config"
    return {
        **{f"config/{name}": (defaults / name).read_text() for name in ("connection.ini", "log.ini")},
        "config/smtp.ini": f"listen=127.0.0.1:{port}\nnodes=0\n",
        "config/me": "mail.example.org\n",
        "config/plugins": "rcpt_to.in_host_list\nqueue/smtp_proxy\n",
        "config/host_list": "example.org\n",
        "config/smtp_proxy.ini": f"host=127.0.0.1\nport={backend}\nenable_tls=true\nenable_outbound=false\n",
    }


def targets(stack: ExitStack, *, tls: bool) -> Iterator[Target]:
    """Start everything."""
    stand = stack.enter_context(stands.stand())
    extra = f"{stands.TRUSTING}\nvirtual_transport = discard:\nmaillog_file =\n"
    postfix = stack.enter_context(stands.postfix(stand, tls="may" if tls else "none", extra=extra))
    yield Target("Postfix alone", postfix.port)
    for name, files, flags in (("Haraka, stock", stock, ""), ("haraka-in", ours, NODE_OPTIONS)):
        port = stands.free_port()
        folder = files(stand, postfix.port, port)
        running = stack.enter_context(stands.haraka(stand, folder, port, node_options=flags))
        yield Target(name, port, running.pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of sending, each time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tls", action="store_true", help="STARTTLS between Haraka and Postfix, as with Mailcow")
    options = parser.parse_args()
    if reason := stands.missing():
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        everything = list(targets(stack, tls=options.tls))
        idle = {target.name: target.memory() for target in everything}
        figures = {(target.name, sessions): Figures() for sessions in SESSIONS for target in everything}
        for _ in range(options.rounds):
            for sessions in SESSIONS:
                for target in everything:
                    asyncio.run(measure(target.port, sessions, options.seconds, figures[target.name, sessions]))
        print(f"{'sessions':>8}  {'':14}  {'msg/s':>7}  {'p50 ms':>7}  {'p95 ms':>7}  {'x stock':>7}")
        for (name, sessions), found in figures.items():
            ratio = found.rate / figures["Haraka, stock", sessions].rate
            print(
                f"{sessions:>8}  {name:14}  {found.rate:7.0f}  {found.at(50):7.1f}  {found.at(95):7.1f}  {ratio:7.1f}"
            )
        memory = [f"{target.name} {idle[target.name]} → {target.memory()}" for target in everything if target.pid]
        print(f"memory in MB, idle → afterwards: {', '.join(memory)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
