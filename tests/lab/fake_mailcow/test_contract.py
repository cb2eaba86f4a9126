"""The fake Mailcow answers as Mailcow's own code does (tests/real asks that one the same)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, answer
from rig.mailcow import Reply
from tests.lab.fake_mailcow.contract.agreement import differences, exceptions, has_field, record, recorded
from tests.lab.fake_mailcow.contract.all import questions
from tests.lab.fake_mailcow.contract.asking import Answer, ask_all

KEY = "key-1"
Ask = Callable[..., Reply]


@pytest.fixture
def ask_fake(routes: Routes) -> Ask:
    """The fake one's API as a caller over HTTP sees it."""
    gate = Gate({"API_KEY": KEY, "API_ALLOW_FROM": "127.0.0.1"})

    def call(path: str, body: object = None, *, key: str = KEY, raw: bytes | None = None, method: str = "") -> Reply:
        data = raw if raw is not None or body is None else json.dumps(body).encode()
        verb = method or ("GET" if data is None else "POST")
        headers = {"x-api-key": key, "content-type": "application/json"}
        status, found = answer(gate, routes, verb, f"/api/v1/{path}", headers, data or b"")
        return Reply(status, "no JSON: " if found is None else json.loads(json.dumps(found)))

    return call


@pytest.fixture
def answers(ask_fake: Ask, pem: str) -> dict[str, Answer]:
    return ask_all(ask_fake, questions(pem), pem, exceptions().random)


def test_the_fake_mailcow_answers_as_mailcow_does(answers: dict[str, Answer]) -> None:
    assert list(differences(recorded(), answers, exceptions())) == []


def test_each_field_that_may_be_absent_is_in_mailcows_answers_alone(answers: dict[str, Answer]) -> None:
    real = recorded()
    wrong = [name for name in exceptions().absent if not has_field(real, name) or has_field(answers, name)]
    assert wrong == []


def test_each_question_has_its_answer_in_the_record(pem: str) -> None:
    assert [*recorded()] == [case.name for case in questions(pem)]


def test_a_difference_is_told_with_both_answers() -> None:
    real = {"domain: add": {"status": 200, "body": [["success", ["domain_added", "t1.example"]]]}}
    fake = {"domain: add": {"status": 200, "body": [["danger", "domain_invalid"]]}}
    (line,) = differences(real, fake, exceptions())
    assert "domain_added" in line
    assert "domain_invalid" in line


def test_an_exception_that_is_needed_no_more_is_told() -> None:
    same = {"version": {"status": 200, "body": {"version": "2026-07a"}}}
    assert len(list(differences(same, same, exceptions()))) == 1


def test_a_record_can_be_read_again(answers: dict[str, Answer]) -> None:
    assert json.loads(record(answers)) == answers


def test_what_is_refused_at_random_is_asked_again_and_comes_from_the_fake_one_too(ask_fake: Ask, pem: str) -> None:
    """A word that never comes is no exception, and fails here; one that is not listed would be an answer."""
    said: list[Any] = []

    def call(path: str, body: object = None, **more: Any) -> Reply:
        reply = ask_fake(path, body, **more)
        said.append(reply.body)
        return reply

    imports = [case for case in questions(pem) if case.good_key]
    answers = ask_all(call, imports, pem, exceptions().random)
    for word in exceptions().random:
        assert sum(word in json.dumps(body) for body in said) in range(1, len(said))
        assert not any(word in json.dumps(answer) for answer in answers.values())
