"""Mailcow's administration through Caddy, in every spelling that nginx behind it would read as such: closed."""

from __future__ import annotations

import contextlib
import posixpath
import re
import shutil
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field

from mailnix import Domain, Internal, Mailbox, Proxy, Topology, run
from mailnix.model import acme, ports
from mailnix.plan import derive
from mailnix.services.caddy import render
from rig import answers, free_port, until
from tests.attacks.marks import Kind, attacks

pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")

HOST = "mail.example.org"
NAMES = "|".join([*(name.strip("/") for name in render.CLOSED_PATHS if "*" not in name), "api"])
CLOSED = re.compile(rf"/({NAMES})(/|$)".replace(".", r"\."))
SOURCE = "Mailcow's data/conf/nginx; nginx reads a location decoded once, slashes merged, dots resolved"
ADMIN = """\
/admin /admin/ /ADMIN /Admin/dashboard //admin ///admin/ /%61dmin /%61%64min/ /admin%2f /admin%2fdashboard /%2fadmin
/%2e/admin /./admin /x/../admin /x/%2e%2e/admin /x/..%2fadmin /x%2f..%2fadmin /SOGo/../admin /SOGo/..%2fadmin
/SOGo/%2e%2e%2fadmin/ /.%2fadmin /admin/..;/ /admin;x /;/admin /admin%20 /admin%00 /admin. /admin.php
/admin/index.php /x/..//admin /x//../admin //x/../admin /a/b/../../admin /a/b/..%2f..%2fadmin /%5cadmin /..%5cadmin
/admin? /admin?x /admin#x /%2561dmin /x/%2e%2e/%2e%2e/admin /./%2e/admin/ /%2e%2e/admin /%2e%2e%2fadmin
/css/..%2f..%2fadmin http://mail.example.org/admin https://mail.example.org//admin http://x/admin"""
REST = """\
/json_api.php /json_api /json_api.php/x /JSON_API.PHP //json_api.php /x/..%2fjson_api.php?query=get/domain/all
/%6ason_api.php /json_api%2ephp /index.php/../json_api.php /index.php/..%2fjson_api.php /rspamd/ //rspamd/ /rspamd%2f
/x/..%2frspamd/ /RSPAMD/ /SOGo/..%2frspamd/stat /domainadmin /domainadmin%2fmailbox /x/..%2fdomainadmin/
/api/v1/get/domain/all //api/v1/x /%61pi/v1/x /api%2fv1/x /x/..%2fapi/v1/get /x/%2e%2e/api/v1"""
OPEN = ("/", "/SOGo/", "/Microsoft-Server-ActiveSync?Cmd=Sync", "/administrator", "/apiary")


def as_nginx_reads(target: str) -> str:
    """The path that nginx chooses a location by."""
    path = re.sub("^https?://[^/]*", "", target.split("?")[0].split("#")[0]) or "/"
    path = re.sub("/+", "/", urllib.parse.unquote(path))
    return re.sub("/+", "/", posixpath.normpath(path))


@define
class Mailcow:
    """In its nginx's place: answers with the request that it got."""

    listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    self.answer(connection)

    @staticmethod
    def answer(connection: socket.socket) -> None:
        """Once."""
        connection.settimeout(5)
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
            data += more
        body = b"UPSTREAM " + data.partition(b"\r\n")[0]
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def caddyfile(upstream: int, https: int) -> str:
    """A proxy's, on loopback, with an authority of its own and Mailcow's port there."""
    plan = derive(
        Topology(
            HOST,
            [Proxy("proxy", ipv4="203.0.113.10")],
            Internal("internal"),
            [Domain("example.org", mailboxes=[Mailbox("alice")])],
        )
    )
    text = render.caddyfile(plan, plan.proxies[0])
    here = ["local_certs", "skip_install_trust", "admin off", "default_bind 127.0.0.1"]
    here += [f"http_port {free_port()}", f"https_port {https}"]
    changes = {
        f"cert_issuer acme {acme.DIRECTORY}": "\n\t".join(here),
        f"{plan.internal.ipv4}:{ports.MAILCOW_HTTP}": f"127.0.0.1:{upstream}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Caddy before a Mailcow."""
    folder, https, mailcow = tmp_path_factory.mktemp("caddy"), free_port(), Mailcow()
    threading.Thread(target=mailcow.serve, daemon=True).start()
    path = folder / "Caddyfile"
    path.write_text(caddyfile(mailcow.port, https))
    argv: list[str | Path] = ["env", f"HOME={folder}", f"XDG_DATA_HOME={folder}", f"XDG_CONFIG_HOME={folder}"]
    caddy = run.start([*argv, "caddy", "run", "--adapter", "caddyfile", "--config", path], folder / "log")
    try:
        until(lambda: caddy.status() is not None or answers(https), "Caddy accepts connections")
        until(
            lambda: has_certificate(https),
            f"Caddy has a certificate:\n{(folder / 'log').read_text()[-2000:]}",
        )
        yield https
    finally:
        caddy.process.kill()
        caddy.process.wait()
        mailcow.listener.close()


def asked(port: int, target: str, *headers: str) -> bytes:
    """The whole answer to a raw request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = [f"GET {target} HTTP/1.1", f"Host: {HOST}", *headers, "Connection: close", "", ""]
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=HOST) as session:
        session.sendall("\r\n".join(head).encode())
        return b"".join(iter(lambda: session.recv(65536), b""))


def has_certificate(port: int) -> bool:
    """Before its authority has signed one, Caddy ends each handshake with an alert."""
    with contextlib.suppress(OSError):
        return b"UPSTREAM" in asked(port, "/")
    return False


def passed(answer: bytes) -> str:
    """What Mailcow was asked for; empty where it was not."""
    return answer.decode("latin-1").partition("UPSTREAM GET ")[2].split(" ")[0]


def tries(paths: str) -> list[object]:
    return attacks(
        Kind.WEB,
        paths.split(),
        name=lambda path: path,
        right=lambda _path: "never read as a closed path by Mailcow",
        source=SOURCE,
    )


@pytest.mark.parametrize("path", [*tries(ADMIN), *tries(REST)])
def test_administration_is_closed_in_every_spelling(web: int, path: str) -> None:
    answer = asked(web, path)
    assert answer.startswith(b"HTTP/1.1 ")
    target = passed(answer)
    assert not (target and CLOSED.match(as_nginx_reads(target))), target


API = "/api/v1/get/domain/all"
KEYED = (("/", "X-API-Key: 1"), ("/", "x-api-key: 1"), (API, "Cookie: SESSION=1"), (API, "Cookie: MCSESSID"))


@pytest.mark.parametrize(
    "request_",
    attacks(
        Kind.WEB,
        KEYED,
        name=lambda request_: f"GET {request_[0]} with {request_[1]}",
        right=lambda _request: "403",
        source="Mailcow's inc/sessions.inc.php: a key counts on every page",
    ),
)
def test_the_api_is_closed_to_keys_and_strangers(web: int, request_: tuple[str, str]) -> None:
    path, header = request_
    assert asked(web, path, header).split(b" ")[1] == b"403"


@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_is_handed_on(web: int, path: str) -> None:
    assert passed(asked(web, path)) == path
