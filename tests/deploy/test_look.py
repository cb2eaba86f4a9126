"""What is asked on a machine, asked here."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from mailnix.deploy.guest import look
from mailnix.deploy.guest.look import FRESH, ailing, judged
from mailnix.deploy.scene import ask_here
from mailnix.model import paths
from mailnix.plan import credentials
from mailnix.services.credentials.names import STORE
from mailnix.services.mailcow import units
from mailnix.services.mailcow.guest import databases, tree
from rig.servers import running


@pytest.fixture
def server() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening, listening.getsockname()[1]


def greets(listening: socket.socket, line: bytes) -> threading.Thread:
    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"220 mail.example.org ESMTP\r\n", (True, "220 mail.example.org ESMTP")),
        (b"421 too busy\r\n", (True, "421 too busy")),
        (b"554 go away\r\n", (False, "554 go away")),
        (b"", (False, "it hung up without a word")),
        (b"SSH-2.0-OpenSSH_10.0\r\n", (False, "SSH-2.0-OpenSSH_10.0")),
    ],
)
def test_a_mail_server_greets(server: tuple[socket.socket, int], line: bytes, answer: tuple[bool, str]) -> None:
    listening, port = server
    greets(listening, line)
    assert ask_here([("greeting", "127.0.0.1", port)]) == [answer]


def test_nobody_there_is_a_no(server: tuple[socket.socket, int]) -> None:
    listening, port = server
    listening.close()
    assert ask_here([("greeting", "127.0.0.1", port)]) == [(False, "connection refused")]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"SSH-2.0-OpenSSH_10.0\r\n", (True, "SSH-2.0-OpenSSH_10.0")),
        (b"Not allowed at this time\r\n", (False, "Not allowed at this time")),
        (b"", (False, "it hung up without a word")),
    ],
)
def test_a_server_of_ssh_says_so(server: tuple[socket.socket, int], line: bytes, answer: tuple[bool, str]) -> None:
    listening, port = server
    greets(listening, line)
    assert ask_here([("ssh", "127.0.0.1", port)]) == [answer]


def test_a_way_leads_to_what_is_here_and_none_to_an_address_that_no_network_has() -> None:
    here, nowhere = ask_here([("route", "127.0.0.1", 0), ("route", "fe80::1", 0)])  # of a link, and no link is named
    assert here == (True, "a way leads there")
    assert not nowhere[0]


def test_a_tunnel_that_is_not_there_is_a_no() -> None:
    ((ok, said),) = ask_here([("handshake", "wg-none", 0)])
    assert not ok
    assert said in ("there is no wg-none", "wg is not installed")


class TestNames:
    """What the resolvers of /etc/resolv.conf say of a name that none can have kept."""

    @pytest.fixture
    def resolver(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
            listening.bind(("127.0.0.1", 0))
            yield listening

    def ask(self, folder: Path, resolver: socket.socket, *addresses: str) -> tuple[bool, str]:
        (folder / "resolv.conf").write_text("".join(f"nameserver {each}\n" for each in addresses))
        return look.name("mail.example.org", 0, str(folder / "resolv.conf"), resolver.getsockname()[1])

    def answers(self, resolver: socket.socket, *codes: int) -> list[str]:
        """The names that it is asked for."""
        asked: list[str] = []

        def serve() -> None:
            for code in codes:
                query, who = resolver.recvfrom(512)
                message = dns.message.from_wire(query)
                asked.append(message.question[0].to_text())
                reply = dns.message.make_response(message)
                reply.set_rcode(dns.rcode.Rcode(code))
                resolver.sendto(reply.to_wire(), who)

        threading.Thread(target=serve, daemon=True).start()
        return asked

    @pytest.mark.parametrize(
        ("code", "answer"),
        [(0, (True, "127.0.0.1 answers")), (3, (True, "127.0.0.1 answers")), (2, (False, "127.0.0.1 fails (2)"))],
    )
    def test_that_there_is_none_is_an_answer_and_that_nobody_could_be_asked_is_not(
        self, tmp_path: Path, resolver: socket.socket, code: int, answer: tuple[bool, str]
    ) -> None:
        self.answers(resolver, code)
        assert self.ask(tmp_path, resolver, "127.0.0.1") == answer

    def test_are_others_each_time(self, tmp_path: Path, resolver: socket.socket) -> None:
        asked = self.answers(resolver, 3, 3)
        for _ in range(2):
            self.ask(tmp_path, resolver, "127.0.0.1")
        assert len({*asked}) == 2
        assert all(each.endswith(".mail.example.org. IN A") for each in asked)

    def test_one_resolver_of_several_is_enough(self, tmp_path: Path, resolver: socket.socket) -> None:
        self.answers(resolver, 3)
        assert self.ask(tmp_path, resolver, "127.0.0.2", "127.0.0.1") == (True, "127.0.0.1 answers")

    def test_nobody_there_or_named_is_a_no(self, tmp_path: Path, resolver: socket.socket) -> None:
        assert self.ask(tmp_path, resolver, "127.0.0.2") == (False, "127.0.0.2: connection refused")
        assert self.ask(tmp_path, resolver) == (False, "no resolver is named")


NOW = 1_800_000_000.0


class TestAHandshake:
    """`clock` goes on by itself; `wall` is what somebody, or NTP, may set."""

    @pytest.mark.parametrize(
        ("ago", "answer"),
        [
            (0, (True, "last handshake 0 seconds ago")),
            (FRESH, (True, f"last handshake {FRESH} seconds ago")),
            (FRESH + 1, (False, f"last handshake {FRESH + 1} seconds ago")),
        ],
    )
    def test_is_fresh_for_as_long_as_its_session(self, ago: int, answer: tuple[bool, str]) -> None:
        assert judged(int(NOW) - ago, NOW, 500.0, None)[0] == answer

    def test_that_never_was_is_none(self) -> None:
        (ok, said), seen = judged(0, NOW, 500.0, None)
        assert (ok, said) == (False, "no handshake yet")
        assert judged(int(NOW) + 3, NOW + 5, 505.0, seen)[0] == (True, "last handshake 2 seconds ago")

    def test_of_the_future_is_not_taken_for_one_of_now(self) -> None:
        (ok, said), seen = judged(int(NOW), NOW - 3600, 500.0, None)
        assert not ok
        assert "clock was set back" in said
        assert not judged(int(NOW), NOW - 3590, 510.0, seen)[0][0]
        assert judged(int(NOW) - 3580, NOW - 3580, 520.0, seen)[0][0]  # the next one

    def test_that_is_old_stays_so_when_the_clock_is_set_back(self) -> None:
        _, seen = judged(int(NOW), NOW + 1, 500.0, None)
        (ok, said), _ = judged(int(NOW), NOW + 1, 800.0, seen)
        assert (ok, said) == (False, "last handshake 301 seconds ago")

    def test_that_is_new_is_so_though_the_clock_was_set_forward(self) -> None:
        _, seen = judged(int(NOW) - 1000, NOW, 500.0, None)
        answer, seen = judged(int(NOW) + 2, NOW + 86400, 504.0, seen)
        assert answer == (True, "last handshake 4 seconds ago")
        assert judged(int(NOW) + 2, NOW + 86600, 704.0, seen)[0] == (False, "last handshake 204 seconds ago")


def test_mailcows_folders_are_where_others_have_them() -> None:
    assert paths.MAILCOW == look.MAILCOW
    assert units.DESCRIPTION == look.DESCRIPTION
    assert f"{STORE}/{credentials.MAILCOW_API_KEY}" == look.API_KEY
    assert databases.state_file(Path(look.MAILCOW)) == Path(f"{look.MAILCOW}.databases.json")
    assert tree.RECORD == ".mailnix.json"


def test_where_no_mailcow_is_none_runs_and_no_database_is_kept() -> None:
    rev = "0123456789abcdef"
    assert ask_here([("release", "", 0), ("mailcow", rev, 0), ("database", rev, 0)]) == [
        (False, "none was laid"),
        (False, "its tree is none, not 0123456789ab yet"),
        (False, "none of 0123456789ab is kept"),
    ]


def test_a_mailcow_is_said_in_short_with_what_tells_its_images_from_others() -> None:
    assert look.short("0123456789abcdef") == "0123456789ab"
    assert look.short("0123456789abcdef+fedcba9876") == "0123456789ab+fedcba"


def row(service: str, state: str, health: str = "") -> str:
    """As `docker compose ps --format json` has it."""
    return json.dumps({"Name": f"mailcowdockerized-{service}-1", "Service": service, "State": state, "Health": health})


@pytest.mark.parametrize(
    ("rows", "ill"),
    [
        ([row("mysql-mailcow", "running", "healthy"), row("php-fpm-mailcow", "running")], []),
        ([row("mysql-mailcow", "running", "starting")], ["mysql-mailcow is starting"]),
        ([row("clamd-mailcow", "running", "starting")], []),
        ([row("clamd-mailcow", "running", "unhealthy")], ["clamd-mailcow is unhealthy"]),
        ([row("sogo-mailcow", "restarting")], ["sogo-mailcow is restarting"]),
        ([row("sogo-mailcow", "exited", "healthy")], ["sogo-mailcow is exited"]),
        ([], ["it has no containers"]),
    ],
)
def test_containers_that_do_not_run_or_are_not_well_are_named(rows: list[str], ill: list[str]) -> None:
    assert list(ailing("\n".join(rows))) == ill
    assert list(ailing(f"[{','.join(rows)}]")) == ill


class Api(BaseHTTPRequestHandler):
    """Mailcow's, with a name."""

    def do_GET(self) -> None:
        known = self.headers["Host"] == "mail.example.org" and self.headers["X-API-Key"] == "k"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"version": "2026-07a"}')

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_api_says_its_version(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k\n")
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Api)) as port:
        told = {"api": f"http://127.0.0.1:{port}", "hostname": "mail.example.org"}
        assert look.api(told, str(key)) == (True, "all containers run, the API says 2026-07a")
        assert look.api({**told, "hostname": "x"}, str(key)) == (
            False,
            "its API does not answer yet: HTTP Error 401: Unauthorized",
        )
    assert look.api({}, str(key))[0] is False
