"""Mail in quantity, and what it costs: processor time and memory of the programs that it passes."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from rig.waiting import until

TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds of processor time
BODY = (b"y" * 78 + b"\r\n") * 125  # 10 kB


@frozen
class Traffic:
    """So many sessions at once, each with so many mails; with `tls` each begins with STARTTLS.

    With `anew` every mail has a session of its own.
    """

    sessions: int = 50
    mails: int = 10
    recipients: int = 1
    to: str = "alice@example.org"
    body: bytes = BODY
    tls: bool = False
    anew: bool = False

    @property
    def count(self) -> int:
        """Mails in all."""
        return self.sessions * self.mails

    def send(self, port: int) -> float:
        """Send it all to a port of 127.0.0.1; returns mails a second. Raises AssertionError where one is not taken."""
        began = time.perf_counter()
        asyncio.run(self._all(port))
        return self.count / (time.perf_counter() - began)

    async def _all(self, port: int) -> None:
        await asyncio.gather(*(self._sessions(port) for _ in range(self.sessions)))

    async def _sessions(self, port: int) -> None:
        for mails in [1] * self.mails if self.anew else [self.mails]:
            session = await Session.open(port, tls=self.tls)
            for _ in range(mails):
                await self._mail(session)
            session.close()

    async def _mail(self, session: Session) -> None:
        await session.say(b"MAIL FROM:<a@example.net>", b"250")
        for _ in range(self.recipients):
            await session.say(b"RCPT TO:<%s>" % self.to.encode(), b"250")
        await session.say(b"DATA", b"354")
        await session.say(b"From: a@example.net\r\nSubject: x\r\n\r\n" + self.body + b".", b"250")


@frozen
class Session:
    """An SMTP session that has been greeted."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int, *, source: str = "127.0.0.1", tls: bool = False) -> Session:
        """Connect and say EHLO, under TLS where that is wished."""
        session = cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
        await session._reply(b"220")
        await session.say(b"EHLO bench.example.net", b"250")
        if tls:
            await session.say(b"STARTTLS", b"220")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            await session.writer.start_tls(context)
            await session.say(b"EHLO bench.example.net", b"250")
        return session

    async def say(self, line: bytes, expected: bytes) -> None:
        """Send it, and read the reply that it must have."""
        self.writer.write(line + b"\r\n")
        await self._reply(expected)

    def close(self) -> None:
        """Leave."""
        self.writer.write(b"QUIT\r\n")
        self.writer.close()

    async def _reply(self, expected: bytes) -> None:
        reply = await self.reader.readline()
        while reply[3:4] == b"-":
            reply = await self.reader.readline()
        assert reply.startswith(expected), reply


def processor_ms(pid: int) -> float:
    """What a process and its children have used since they began, the children that have ended too."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if stat.parent.name == str(pid):
                spent += sum(map(int, fields[11:15]))
            elif fields[1] == str(pid):
                spent += sum(map(int, fields[11:13]))
    return spent * TICK


def memory_kb(pid: int) -> int:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def settled(pid: int, what: str) -> None:
    """Wait until a process has nothing to do."""
    spent = [processor_ms(pid) - 1000]

    def idle() -> bool:
        before, now = spent[0], processor_ms(pid)
        if now - before > TICK:
            spent[0] = now
            quiet_since[0] = time.monotonic()
        return time.monotonic() - quiet_since[0] > 1

    quiet_since = [time.monotonic()]
    until(idle, what, seconds=300)
