"""A registry on loopback, and a Docker that pulls from it as the real one does: what a digest names, or nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import field, frozen

from mailnix.services.mailcow.guest.machine import SetupError
from rig.servers import running
from tools.pin_images import digest_of
from tools.registry import manifest

ARCHITECTURES = {"amd64": {}, "arm64": {"variant": "v8"}, "arm": {"variant": "v7"}}


@frozen
class Registry:
    """Manifests by repository, then by tag or digest, for who has the token that it gives to everybody."""

    host: str
    held: dict[str, dict[str, bytes]] = field(factory=dict)
    asked: list[str] = field(factory=list)

    def push(self, name: str, content: str) -> str:
        """Put an image for three architectures under NAME:TAG; gives the digest of its list of platforms."""
        repository, _, tag = name.removeprefix(f"{self.host}/").partition(":")
        its = self.held.setdefault(repository, {})
        entries = []
        for architecture, more in ARCHITECTURES.items():
            text = json.dumps({"config": {"digest": f"sha256:{content}-{architecture}"}}).encode()
            its[digest_of(text)] = text
            platform = {"os": "linux", "architecture": architecture, **more}
            entries.append({"digest": digest_of(text), "platform": platform})
        entries.append({"digest": "sha256:0", "platform": {"os": "unknown", "architecture": "unknown"}})
        whole = json.dumps({"manifests": entries}).encode()
        its[tag] = its[digest_of(whole)] = whole
        return digest_of(whole)


@contextlib.contextmanager
def registry() -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/token":
                return self.say(200, b'{"token": "for everybody"}')
            if self.headers.get("Authorization") != "Bearer for everybody":
                challenge = f'Bearer realm="http://{here.host}/token",service="here",scope="repository:x:pull"'
                return self.say(401, b"", {"WWW-Authenticate": challenge})
            here.asked.append(path)
            repository, _, reference = path.removeprefix("/v2/").partition("/manifests/")
            found = here.held.get(repository, {}).get(reference)
            return self.say(200 if found else 404, found or b"")

        def say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server) as port:
        here = Registry(f"127.0.0.1:{port}")
        yield here


@frozen
class Docker:
    """The images that a compose file runs, those that are there by name, and what it was asked to pull."""

    run: list[str]
    images: dict[str, dict[str, Any]] = field(factory=dict)
    pulled: list[str] = field(factory=list)

    def __call__(self, argv: Sequence[str]) -> str:
        match list(argv[1:]):
            case ["compose", "--project-directory", _, "config", "--images"]:
                return "".join(f"{name}\n" for name in self.run)
            case ["image", "ls", "--quiet", name]:
                return "abc\n" if name in self.images else ""
            case ["image", "inspect", name]:
                if name not in self.images:
                    raise SetupError(f"docker image inspect: No such image: {name}")
                return json.dumps([self.images[name]])
            case ["pull", "--quiet", reference]:
                self.pulled.append(reference)
                self.images[reference] = self.pull(reference)
            case ["tag", reference, name]:
                self.images[name] = self.images[reference]
            case other:
                raise AssertionError(other)
        return ""

    def pull(self, reference: str) -> dict[str, Any]:
        digest = reference.partition("@")[2]
        if digest_of(manifest(reference)) != digest:
            raise SetupError(f"docker pull --quiet: status 1: manifest verification failed for digest {digest}")
        return {"Id": f"id of {digest}", "RepoDigests": [reference]}
