"""The HTTP side: who may call, and in which form."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

from .passwords import blowfish
from .resp import Redis
from .routes import NOTHING, Reply, Routes
from .store import Store

PORT = 9002
DATABASE = Path("/var/lib/fake-mailcow/mailcow.sqlite")
PREFIX = "/api/v1/"
NO_JSON: Reply = (400, {"type": "error", "msg": "Request body doesn't contain valid json!"})


class Gate:
    """Which key and which address may do what. Without a usable API_ALLOW_FROM there is no API."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        listed = (item.strip() for item in re.split(r"[ ,;\n]", settings.get("API_ALLOW_FROM", "")))
        self._networks = [ip_network(item, strict=False) for item in listed if _is_network(item)]
        keys = {"API_KEY": True, "API_KEY_READ_ONLY": False}
        known = {settings.get(name, ""): write for name, write in keys.items()}
        self._keys = {key: write for key, write in known.items() if key and self._networks}

    def judge(self, key: str, address: str) -> Reply | bool:
        """Whether the caller may write; a refusal where they may not even read."""
        if not key:
            return NOTHING
        write = self._keys.get(re.sub(r"[^a-zA-Z0-9-]", "", key))
        if write is None:
            return 401, {"type": "error", "msg": "authentication failed"}
        if not any(ip_address(address) in network for network in self._networks):
            return 401, {"type": "error", "msg": f"api access denied for ip {address}"}
        return write


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def answer(gate: Gate, routes: Routes, method: str, path: str, headers: Mapping[str, str], data: bytes) -> Reply:
    """Answer one request; header names are in lower case."""
    judgement = gate.judge(headers.get("x-api-key", ""), headers.get("x-real-ip", "127.0.0.1"))
    if not isinstance(judgement, bool):
        return judgement
    call = path.partition("?")[0].removeprefix(PREFIX)
    body: object = None
    if not call.startswith("get/") and "application/json" in headers.get("content-type", ""):
        try:
            body = json.loads(data)
        except ValueError:
            return NO_JSON
    return routes.call(method, call, body, write=judgement)


def server(gate: Gate, routes: Routes, port: int = PORT) -> ThreadingHTTPServer:
    """The server, bound and not yet serving; requests are answered one after the other."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with turn:
                status, found = answer(gate, routes, self.command, self.path, headers, data)
            body = b"" if found is None else json.dumps(found, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *values: object) -> None:
            print(self.headers.get("X-Real-IP", "-"), format % values, flush=True)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> int:
    """Serve until the container stops."""
    settings = dict(os.environ)
    redis = Redis("redis-mailcow", settings.get("REDISPASS", ""))
    routes = Routes(Store(DATABASE), redis, settings.get("MAILCOW_HOSTNAME", ""), blowfish)
    server(Gate(settings), routes).serve_forever()
    return 0
