"""Messages of every shape, made from a seed: what a relay must hand on as it is, and what it must refuse.

Each is content as SMTP carries it: lines that end in CRLF, dots not yet doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from attrs import frozen

Shape = Callable[[Random], bytes]

ALPHABETS = {
    "latin1": "Grüße aus München, à bientôt",
    "cp1251": "Привет из Москвы",
    "koi8-r": "Привет",
    "utf-8": "日本語 Grüße 😀",
    "shift_jis": "日本語",
    "gb18030": "你好",
}
STRANGE_FIELDS = (
    b"__proto__: x",
    b"constructor: y",
    b"prototype: z",
    b"toString: a",
    b"Subject : space before the colon",
    b"X-Empty:",
    b"X-Empty-Folded:\r\n ",
    b"X-Tab:\tvalue\t",
    b"X-Trailing: value   ",
    b"X-Blank-Fold: a\r\n   \r\n b",
    b"Received: from nowhere; Mon, 1 Jan 1990 00:00:00 +0000",
    b"Received: (twice)",
    b"Message-Id: <>",
    b"Message-ID:\r\n <folded@example.net>",
    b"Authentication-Results: elsewhere; spf=pass",
    b"DKIM-Signature: v=1; a=rsa-sha256; h=from:subject:date:message-id; b=",
    b"Bcc: hidden@example.net",
    b"Return-Path: <old@example.net>",
    b"Resent-Date: Mon, 1 Jan 1990 00:00:00 +0000",
    b"Content-Type: text/plain; charset*0*=utf-8''%E2; charset*1=x",
    b"Subject: =?utf-8?Q?a=0D=0Ab?= =?x?B?////?=",
    b"X-NUL: a\0b",
    b"X-CR: a\rb",
)

ODD_STARTS = (b". ", b".\r", b"..\r.", b"\r.", b"\r", b"\0", b"--", b"--b", b"--b--", b" ", b"\t")
USUAL_FIELDS = (
    b"From: carol@example.net",
    b"To: alice@example.org",
    b"Subject: x",
    b"Date: today",
    b"Message-ID: <1@x>",
)
PART_TYPES = (b"text/plain; charset=utf-8", b"text/html", b"application/octet-stream", b"message/rfc822")


@frozen
class Message:
    """A message's number, content, where to cut it into packets, and whether it must be refused."""

    number: int
    content: bytes
    cuts: tuple[int, ...]
    refused: bool

    @property
    def sender(self) -> str:
        """The envelope sender that tells it from the others."""
        return f"m{self.number}@example.net"


def messages(count: int, seed: int) -> Iterator[Message]:
    """So many messages, the shapes in turn."""
    for number in range(count):
        random = Random(f"{seed}-{number}")
        shape = SHAPES[number % len(SHAPES)]
        content = shape(random)
        edge = [random.randrange(1, len(content) + 4) for _ in range(random.choice((0, 0, 1, 5)))]
        stops = [content.find(b"\r\n.") + random.randrange(1, 5), len(content) + random.randrange(3)]
        yield Message(number, content, tuple(edge + stops), refused=shape is with_bare_lf)


# ---- parts -------------------------------------------------------------------------------------------------------


def line(random: Random, most: int = 78) -> bytes:
    """A line's bytes: words, 8-bit bytes, control characters but no LF, and no CR at the end."""
    kind = random.randrange(6)
    size = random.randrange(most)
    if kind == 0:
        return b""
    if kind == 1:
        return b"." * random.randrange(1, 4) + b"x" * random.randrange(3)
    if kind == 2:
        return random.choice(ODD_STARTS) + b"x"
    if kind == 3:
        return random.randbytes(size).replace(b"\n", b"?")
    return bytes(random.choices(b"abcdefghij KLM:;,=?_-/", k=size))


def field(random: Random) -> bytes:
    """A header field with its lines, without the last CRLF."""
    kind = random.randrange(5)
    if kind == 0:
        return random.choice(STRANGE_FIELDS)
    name = b"X-" + bytes(random.choices(b"ABCdef-09", k=random.randrange(1, 20)))
    if kind == 1:
        charset, text = random.choice(list(ALPHABETS.items()))
        return name + b": " + text.encode(charset)
    lines = [line(random).replace(b"\r", b"") or b"-" for _ in range(random.choice((1, 1, 2, 9)))]
    return name + b": " + b"\r\n ".join(lines)


def head(random: Random) -> bytes:
    """A header, without the blank line."""
    some = random.sample(USUAL_FIELDS, random.randrange(len(USUAL_FIELDS) + 1))
    return b"".join(part + b"\r\n" for part in [*some, *(field(random) for _ in range(random.randrange(12)))])


def body(random: Random) -> bytes:
    """A few lines."""
    return b"".join(line(random) + b"\r\n" for _ in range(random.randrange(20)))


# ---- shapes ------------------------------------------------------------------------------------------------------


def ordinary(random: Random) -> bytes:
    """Header, blank line, body."""
    return head(random) + b"\r\n" + body(random)


def eight_bit_header(random: Random) -> bytes:
    """A Subject in a character set of its own, in plain bytes."""
    charset, text = random.choice(list(ALPHABETS.items()))
    return b"Subject: " + text.encode(charset) + b"\r\n" + head(random) + b"\r\n" + text.encode(charset) + b"\r\n"


def endless_header(random: Random) -> bytes:
    """More header lines than Haraka's max_lines, in one field or many."""
    many = random.randrange(1001, 3000)
    to = b"To: " + b",\r\n ".join(b"user%d@example.com" % n for n in range(many)) + b"\r\n"
    fields = b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(many))
    return random.choice((to, fields)) + head(random) + b"\r\n" + body(random)


def long_lines(random: Random) -> bytes:
    """Lines far above RFC 5321's 1,000 octets, in header and body."""
    size = random.choice((999, 2049, 65_536, 200_000))
    words = bytes(random.choices(b"abc \xe9\t", k=size))
    return head(random) + b"X-Long: " + words + b"\r\n\r\n" + words + b"\r\n." + words + b"\r\n"


def no_blank_line(random: Random) -> bytes:
    """Fields, then text at once."""
    text = b"".join(b"line %d\r\n" % n for n in range(random.choice((1, 3, 3000))))
    return head(random) + text + body(random)


def only_a_header(random: Random) -> bytes:
    """No body, with and without a blank line."""
    return head(random) + random.choice((b"", b"\r\n"))


def only_a_body(random: Random) -> bytes:
    """No header, with and without a blank line; or nothing at all."""
    return random.choice((b"", b"\r\n")) + body(random)


def raw_bytes(random: Random) -> bytes:
    """Every byte but bare LF, NUL and lone CR among them."""
    lines = [random.randbytes(random.randrange(300)).replace(b"\n", b"\0") for _ in range(20)]
    return random.choice((b"", head(random) + b"\r\n")) + b"\r\n".join(lines) + b"\r\n"


def dots(random: Random) -> bytes:
    """Lines that look like the end and are not."""
    almost = [b".", b"..", b"...", b". ", b".\r.", b".\rx", b"\r.", b".\0", b" .", b".x", b""]
    lines = [random.choice(almost) for _ in range(30)]
    return head(random) + b"\r\n" + b"".join(part + b"\r\n" for part in lines)


def mime(random: Random) -> bytes:
    """Multiparts in multiparts, with boundaries that lie."""
    return head(random) + b"MIME-Version: 1.0\r\n" + part(random, depth=random.randrange(1, 5))


def part(random: Random, depth: int) -> bytes:
    """A MIME part with its own header."""
    if depth == 0:
        kind = random.choice(PART_TYPES)
        encoding = random.choice((b"7bit", b"8bit", b"base64", b"quoted-printable", b"x-none"))
        return b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body(random)
    boundary = random.choice((b"b", b"=_b", b"__proto__", b"b b", b"x" * 70, b"'()+_,-./:=?"))
    parts = [b"--" + boundary + b"\r\n" + part(random, depth - 1) for _ in range(random.randrange(4))]
    end = random.choice((b"", b"--" + boundary + b"--\r\n", b"--" + boundary + b"-- \r\nepilogue\r\n"))
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\npreamble\r\n' + b"".join(parts) + end


def large(random: Random) -> bytes:
    """Beyond what is kept in memory."""
    if random.randrange(4):
        return ordinary(random)
    return head(random) + b"\r\n" + b"".join(random.randbytes(57).hex().encode() + b"\r\n" for _ in range(6000))


def with_bare_lf(random: Random) -> bytes:
    """A line end that only some servers see: refused, for what one takes for text is a command to the other."""
    return ordinary(random) + random.choice((b"x\n.\r\n", b"\ny\r\n", b"z\r\n\n", b".\n", b"\n.\n")) + body(random)


SHAPES: tuple[Shape, ...] = (
    ordinary,
    eight_bit_header,
    endless_header,
    long_lines,
    no_blank_line,
    only_a_header,
    only_a_body,
    raw_bytes,
    dots,
    mime,
    large,
    with_bare_lf,
)
