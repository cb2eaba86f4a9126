from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, answer, server
from rig.servers import running

SETTINGS = {"API_KEY": "key-1", "API_KEY_READ_ONLY": "key-2", "API_ALLOW_FROM": "172.22.1.1,127.0.0.1"}
JSON = "application/json"


@pytest.mark.parametrize(
    ("key", "address", "verdict"),
    [
        ("key-1", "172.22.1.1", True),
        ("key-2", "172.22.1.1", False),
        ("key-3", "172.22.1.1", "authentication failed"),
        ("key-1", "10.0.0.1", "api access denied for ip 10.0.0.1"),
    ],
)
def test_key_and_address_must_both_be_right(key: str, address: str, verdict: object) -> None:
    found = Gate(SETTINGS).judge(key, address)
    assert verdict == (found if isinstance(found, bool) else found[1]["msg"])  # type: ignore[index]


def test_without_a_key_there_is_no_answer() -> None:
    assert Gate(SETTINGS).judge("", "172.22.1.1") == (200, None)


def test_without_allowed_addresses_there_is_no_api() -> None:
    assert not isinstance(Gate({**SETTINGS, "API_ALLOW_FROM": "invalid"}).judge("key-1", "127.0.0.1"), bool)


def test_a_body_that_is_no_json_is_a_bad_request(routes: Routes) -> None:
    headers = {"x-api-key": "key-1", "content-type": JSON}
    assert answer(Gate(SETTINGS), routes, "POST", "/api/v1/add/domain", headers, b"{")[0] == 400
    assert answer(Gate(SETTINGS), routes, "GET", "/api/v1/add/domain", headers, b"")[0] == 400


def test_a_body_of_another_type_is_not_read(routes: Routes) -> None:
    headers = {"x-api-key": "key-1", "content-type": "text/plain"}
    _, found = answer(Gate(SETTINGS), routes, "POST", "/api/v1/add/domain", headers, b"{}")
    assert found == {"type": "error", "msg": "Cannot find attributes in post data"}


@pytest.fixture
def url(routes: Routes) -> Iterator[str]:
    with running(server(Gate(SETTINGS), routes, port=0)) as served:
        yield f"http://127.0.0.1:{served}"


def test_no_answer_is_an_empty_body_over_http(url: str) -> None:
    with urllib.request.urlopen(f"{url}/api/v1/get/domain/all") as response:
        assert (response.status, response.read()) == (200, b"")


def test_it_answers_over_http(url: str) -> None:
    body = json.dumps({"domain": "example.org"}).encode()
    headers = {"X-API-Key": "key-1", "Content-Type": JSON, "X-Real-IP": "172.22.1.1"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/add/domain", body, headers)) as response:
        assert json.load(response)[-1]["msg"] == ["domain_added", "example.org"]
