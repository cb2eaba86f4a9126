"""The fake Mailcow's API behind TLS, in this process."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailnix.adopt.https import Get, getter
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, server
from mailnix.lab.fake_mailcow.guest.api.store import Store
from mailnix.secrets import Secret
from mailnix.starter import Answers
from rig.servers import running
from tests.descriptions import KEY as ADMIN_KEY
from tests.descriptions import PUBLIC4
from tests.lab.fake_mailcow.conftest import FakeRedis

KEY = "aaaaaa-bbbbbb-cccccc-dddddd-eeeeee"
HOST = "mail.example.org"
ANSWERS = Answers("", HOST, PUBLIC4, admin_keys=(ADMIN_KEY,))


@frozen
class Certificate:
    """One for 127.0.0.1, that stands for its own authority, and a server that shows it."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a lab")])
    names = [x509.IPAddress(IPv4Address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(folder / "cert.pem", context)


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Let a server answer, by TLS where a context is given; gives its address."""
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server) as port:
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{port}"


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "database/mailcow.sqlite")


@pytest.fixture
def routes(store: Store, redis: FakeRedis) -> Routes:
    return Routes(store, redis, HOST, str.upper)


@pytest.fixture
def gate() -> Gate:
    return Gate({"API_KEY_READ_ONLY": KEY, "API_KEY": f"{KEY}-write", "API_ALLOW_FROM": "127.0.0.1"})


@pytest.fixture
def url(routes: Routes, gate: Gate, certificate: Certificate) -> Iterator[str]:
    """The fake Mailcow's API."""
    with serving(server(gate, routes, 0), certificate.context) as base:
        yield base


@pytest.fixture
def get(url: str, certificate: Certificate) -> Get:
    return getter(url, Secret(KEY.encode()), certificate.file)


@frozen
class Spoken:
    """What a server says to everything."""

    status: int
    body: bytes
    location: str = ""


@contextlib.contextmanager
def saying(spoken: Spoken, context: ssl.SSLContext | None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(spoken.status)
            if spoken.location:
                self.send_header("Location", spoken.location)
            self.end_headers()
            self.wfile.write(spoken.body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), context) as base:
        yield base
