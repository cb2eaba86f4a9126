#!/usr/bin/env python3
"""sink.py ADDRESS PORT FOLDER: a mail server that takes everything and keeps each message as a file, envelope first."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
    """One connection: RFC 5321's commands, each granted."""
    envelope: list[bytes] = []

    async def say(line: bytes) -> None:
        writer.write(line + b"\r\n")
        await writer.drain()

    await say(b"220 sink.example.net ESMTP")
    while line := (await reader.readline()).rstrip(b"\r\n"):
        match line[:4].upper():
            case b"MAIL" | b"RCPT":
                envelope.append(line)
                await say(b"250 fine")
            case b"DATA":
                await say(b"354 go on")
                content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                keep(folder, b"\r\n".join(envelope) + b"\r\n\r\n" + content)
                envelope.clear()
                await say(b"250 kept")
            case b"QUIT":
                await say(b"221 bye")
                break
            case _:
                await say(b"250 sink.example.net")
    writer.close()


def keep(folder: Path, content: bytes) -> None:
    """Whole under its name at once."""
    new = folder / ".new"
    new.write_bytes(content)
    new.rename(folder / f"{len(list(folder.iterdir()))}.eml")


async def main(address: str, port: str, folder: str) -> None:
    server = await asyncio.start_server(lambda r, w: session(r, w, Path(folder)), address, int(port), limit=2**24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
