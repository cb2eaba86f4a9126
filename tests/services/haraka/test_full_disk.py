"""haraka-out's queue on a disk that is full: what was answered 250 arrives once, what was refused never."""

from __future__ import annotations

import contextlib
import smtplib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import rig as stands
from mailnix import run
from rig import Haraka, Stand, senders
from tests.attacks.marks import Kind, attack

KIB = 1024
FILLER = "filler"  # Haraka takes it for no mail


def no_small_disk() -> str:
    """Why no file system can be mounted here, or an empty text."""
    tried = run.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False)
    return tried.stderr.strip() if tried.status else ""


pytestmark = pytest.mark.skipif(
    bool(stands.missing() or no_small_disk()), reason=stands.missing() or no_small_disk() or "runs"
)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


def fill(disk: Path) -> None:
    """Take all the room that is left."""
    with (disk / FILLER).open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * KIB):
            pass


def mail(number: int, size: int) -> bytes:
    return b"Subject: mail %d\r\n\r\n" % number + b"y" * 60 * size


def numbers(messages: list[bytes]) -> Counter[int]:
    """How often each mail has arrived."""
    return Counter(int(message.split(b"Subject: mail ")[1].split(b"\r\n")[0]) for message in messages)


@attack(Kind.DISK, right="250 and once, or 4xx and never", source="RFC 5321 4.2.5, 6.1; Postfix: 452")
def test_a_mail_is_queued_once_or_refused_however_full_the_disk_is(stand: Stand) -> None:
    """Three domains, so three files, of which the second or third may find no room."""
    recipients = [f"dave@d{n}.example" for n in range(3)]
    mute = {"replies": {"RCPT": "450 later"}}
    with ExitStack() as stack, senders.sinks(*[mute] * 3) as worlds:
        routes = {f"d{n}.example": [world] for n, world in enumerate(worlds)}
        sender = senders.haraka_out(stack, stand, routes, disk="512k", retries="5s*99")
        taken = {number for number in range(300) if accepted(sender, recipients, mail(number, number % 40))}
        assert 10 < len(taken) < 290
        for world in worlds:
            world.replies = {}
        stands.until(lambda: all(len(world.messages) >= len(taken) for world in worlds), "all mails have left")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    for world in worlds:
        assert numbers(world.messages) == dict.fromkeys(taken, 1)


def accepted(sender: senders.Sender, recipients: list[str], message: bytes) -> bool:
    """Whether it was taken; refused is 4xx."""
    code = 250
    try:
        sender.send(*recipients, message=message)
    except smtplib.SMTPDataError as refusal:
        code = refusal.smtp_code
    assert code in (250, 450)
    return code == 250


@attack(Kind.DISK, right="once each", source="RFC 5321 6.1")
def test_recipients_with_different_fates_get_a_mail_once_on_a_full_disk(stand: Stand) -> None:
    replies = {"RCPT TO:<bad": "550 5.1.1 no such user", "RCPT TO:<later": "450 4.2.1 later"}
    people = [f"{name}@example.net" for name in ("good", "bad", "later")]
    with ExitStack() as stack, senders.sinks({"replies": replies}, {}) as (world, home):
        routes = {"example.net": [world], "example.org": [home]}
        sender = senders.haraka_out(stack, stand, routes, disk="256k", retries="5s*99")
        assert sender.haraka is not None
        disk = senders.queue_of(sender.haraka)
        world.on_command = lambda line: fill(disk) if line == "DATA" else None
        sender.send(*people, message=mail(1, 1))
        log = sender.haraka
        stands.until(lambda: log.log.count("its bounce cannot be queued") >= 2, "two attempts on a full disk")
        assert (len(world.messages), len(home.messages)) == (1, 0)
        world.on_command = lambda _line: None
        (disk / FILLER).unlink()
        world.replies = {"RCPT TO:<bad": "550 5.1.1 no such user"}
        stands.until(lambda: (len(world.messages), len(home.messages)) == (2, 1), "the rest")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert [line for line in world.commands if line.startswith("RCPT TO:<good")] == ["RCPT TO:<good@example.net>"]


def remount(server: Haraka, how: str) -> None:
    """Its queue, "ro" or "rw"."""
    queue = (server.folder / "config/queue_dir").read_text().strip()
    run.run(["nsenter", "--mount", "--target", str(server.pid), "mount", "-o", f"remount,{how}", queue])


@attack(Kind.DISK, right="delivered once each", source="RFC 5321 6.1")
def test_a_mail_that_cannot_be_removed_is_not_delivered_again(stand: Stand) -> None:
    people = ("good@example.net", "later@example.net")
    with ExitStack() as stack, senders.sinks({"replies": {"RCPT TO:<later": "450 later"}}) as (world,):
        sender = senders.haraka_out(stack, stand, {"example.net": [world]}, disk="256k", retries="5s*99")
        server = sender.haraka
        assert server is not None
        world.on_command = lambda line: remount(server, "ro") if line == "DATA" else None
        sender.send(*people, message=mail(1, 1))
        stands.until(lambda: server.log.count("later@example.net> delayed") >= 2, "two attempts")
        world.on_command, world.replies = (lambda _line: None), {}
        stands.until(lambda: server.log.count("is done with and cannot be removed") >= 2, "all have it")
        remount(server, "rw")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert len(world.messages) == 2
    asked = [line for line in world.commands if line.startswith("RCPT TO:<good")]
    assert asked == ["RCPT TO:<good@example.net>"]


@attack(Kind.DISK, right="delivered once", source="RFC 5321 6.1")
def test_a_mail_survives_a_queue_that_nothing_can_be_written_to(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": {"RCPT": "450 later"}}) as (world,):
        sender = senders.haraka_out(stack, stand, {"example.net": [world]}, disk="256k", retries="5s*99")
        server = sender.haraka
        assert server is not None
        sender.send(message=mail(1, 1))
        stands.until(lambda: "RCPT TO:<dave@example.net>" in world.commands, "a first attempt")
        remount(server, "ro")
        assert not accepted(sender, ["dave@example.net"], mail(2, 1))
        stands.until(lambda: world.commands.count("RCPT TO:<dave@example.net>") > 1, "an attempt on a read-only disk")
        remount(server, "rw")
        world.replies = {}
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert numbers(world.messages) == {1: 1}
