"""What a newcomer meets while others flood haraka-in, and beside it a Postfix with the same limits.

Run as root: `python benchmarks/floods.py [--seconds 4] [--only silent]`. Needs npm and Postfix; everything is on
loopback, every flood is bounded, and all of it takes under two minutes. A newcomer comes four times a second, each from
an address of its own, and hands over one mail.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from attrs import define, field, frozen

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stand is the tests'

import rig as stands
from mailnix.services.firewall.render import SMTP_RATE
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn, Limits

LIMITS = Limits()
HELLO = (b"EHLO flood.example\r\n",)
INTO_DATA = (*HELLO, b"MAIL FROM:<a@example.net>\r\n", b"RCPT TO:<alice@example.org>\r\n", b"DATA\r\n")
MAIL = b"From: a@example.net\r\nTo: alice@example.org\r\nSubject: x\r\n\r\nx\r\n.\r\n"
PATIENCE = 6.0  # seconds of a newcomer
BOUND_GREETED, BOUND_MEMORY = "2 s", "200 MiB"
Flood = Callable[[int, str], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(port: int, source: str, lines: tuple[bytes, ...] = ()) -> Streams:
    """A session that has been greeted and whose lines have been answered with 2xx or 3xx; raises OSError otherwise."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    for line in (b"", *lines):
        writer.write(line)
        while (reply := await reader.readline())[3:4] == b"-":
            pass
        if reply[:1] not in b"23" or not reply:
            writer.close()
            raise ConnectionRefusedError(reply.decode(errors="replace"))
    return reader, writer


async def held(streams: Streams) -> None:
    """Until the server ends it."""
    with contextlib.suppress(OSError):
        while await streams[0].read(4096):
            pass
    streams[1].close()


async def silent(port: int, source: str) -> None:
    await held(await opened(port, source, HELLO))


async def dribble(port: int, source: str) -> None:
    streams = await opened(port, source, INTO_DATA)
    while not streams[0].at_eof():
        streams[1].write(b"x")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(streams[0].read(1), 1)


async def unended(port: int, source: str) -> None:
    streams = await opened(port, source, INTO_DATA)
    streams[1].write(b"Subject: x\r\n\r\n")
    for _ in range(15):
        streams[1].write(b"a" * 65536)
        await streams[1].drain()
    await held(streams)


async def wrong(port: int, source: str) -> None:
    streams = await opened(port, source)
    streams[1].write(b"NONSENSE\r\n" * 200)
    await held(streams)


async def early(port: int, source: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(HELLO[0] + INTO_DATA[1] * 50)
    await held((reader, writer))


FLOODS: dict[str, tuple[Flood, int]] = {  # and how many clients share the sessions
    "silent": (silent, 10),
    "silent one each": (silent, 200),
    "a byte a second": (dribble, 10),
    "unended lines": (unended, 10),
    "bad commands": (wrong, 10),
    "early talkers": (early, 10),
}


async def again(flood: Flood, port: int, source: str, pause: float) -> None:
    """One attacker, who comes back later whatever happens."""
    while True:
        with contextlib.suppress(OSError):
            await flood(port, source)
        await asyncio.sleep(pause)


def attack(name: str, port: int) -> None:
    """All attackers, for ever; a process of its own, which the caller ends."""
    flood, clients = FLOODS[name]

    async def everybody() -> None:
        sources = [f"127.1.0.{1 + number % clients}" for number in range(LIMITS.sessions)]
        pause = LIMITS.sessions / clients * 60 / SMTP_RATE  # each client comes as often as the firewall lets it
        await asyncio.gather(*(again(flood, port, source, pause) for source in sources))

    asyncio.run(everybody())


@define
class Newcomers:
    """Seconds until each was greeted, and how many of them were served."""

    greeted: list[float] = field(factory=list)
    served: int = 0

    async def come(self, port: int, number: int, patience: float = PATIENCE) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(patience):
                _, writer = await opened(port, f"127.2.0.{1 + number}")
                self.greeted.append(time.perf_counter() - began)
                writer.close()
                _, writer = await opened(port, f"127.2.0.{1 + number}", (*INTO_DATA, MAIL))
                writer.close()
                self.served += 1
        except (OSError, TimeoutError):
            if len(self.greeted) <= number:
                self.greeted.append(patience)

    async def all(self, port: int, seconds: float) -> None:
        tasks = []
        for number in range(int(seconds * 4)):
            tasks.append(asyncio.create_task(self.come(port, number)))
            await asyncio.sleep(0.25)
        await asyncio.gather(*tasks)


@frozen
class Target:
    """Something to flood; `pid` where its memory is of interest."""

    name: str
    port: int
    pid: int | None = None

    def memory(self, kind: str) -> int:
        """Resident memory in MiB: now (VmRSS), or the most since `forget` (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text() if self.pid else f"{kind}: 0 kB"
        return int(status.split(f"{kind}:")[1].split()[0]) // 1024

    def forget(self) -> None:
        if self.pid:
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def measure(name: str, target: Target, seconds: float) -> str:
    """One flood against one target, as a row."""
    target.forget()
    attackers = multiprocessing.get_context("spawn").Process(target=attack, args=(name, target.port), daemon=True)
    attackers.start()
    time.sleep(2)  # the sessions are taken
    newcomers = Newcomers()
    try:
        asyncio.run(newcomers.all(target.port, seconds))
    finally:
        attackers.kill()
        attackers.join()
    most = target.memory("VmHWM")
    time.sleep(2)
    p50, p95 = (statistics.quantiles(newcomers.greeted, n=20)[at] for at in (9, 18))
    memory = f"{most:>5} → {target.memory('VmRSS')}" if target.pid else ""
    served = f"{newcomers.served}/{int(seconds * 4)}"
    return f"{name:18} {target.name:10} {p50:8.2f} {p95:8.2f} {served:>8}  {memory}"


@contextlib.contextmanager
def name_server() -> Iterator[int]:
    """Knows nobody (NXDOMAIN), and says so at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    query, sender = server.recvfrom(512)
                    server.sendto(query[:2] + b"\x81\x83" + query[4:], sender)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])


def targets(stack: ExitStack) -> Iterator[Target]:
    """Both, before the same kind of Postfix, which throws mail away."""
    stand = stack.enter_context(stands.stand())
    extra = "virtual_transport = discard:\nmaillog_file =\n"
    behind = stack.enter_context(stands.postfix(stand, extra=f"{stands.TRUSTING}\n{extra}"))
    port = stands.free_port()
    files = files_in(
        HarakaIn(
            hostname="mail.example.org",
            listen=(f"127.0.0.1:{port}",),
            backend_host="127.0.0.1",
            backend_port=behind.port,
            domains=("example.org",),
            certificate_folder=str(stand.certificate_folder),
            nameserver=f"127.0.0.1:{stack.enter_context(name_server())}",
        )
    )
    yield Target("haraka-in", port, stack.enter_context(stands.haraka(stand, files, port)).pid)
    limits = f"smtpd_client_connection_count_limit = {LIMITS.sessions_per_client}\n"
    limits += f"default_process_limit = {LIMITS.sessions}\n"
    yield Target("Postfix", stack.enter_context(stands.postfix(stand, extra=extra + limits)).port)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="that newcomers keep coming")
    parser.add_argument("--only", default=",".join(FLOODS))
    options = parser.parse_args()
    if reason := stands.missing():
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        everything = list(targets(stack))
        print(f"{'flood':18} {'':10} {'p50 s':>8} {'p95 s':>8} {'served':>8}  memory in MiB, most → after")
        for name in options.only.split(","):
            for target in everything:
                print(measure(name, target, options.seconds), flush=True)
        print(f"promised of haraka-in: greeted within {BOUND_GREETED} (p95), all served, {BOUND_MEMORY} at most")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
