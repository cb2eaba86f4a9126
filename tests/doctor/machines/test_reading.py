"""What machines print, read into values; nonsense is no answer, and takes no other along."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mailnix.doctor.machines import reading
from mailnix.doctor.machines.facts import Facts, Tunnel
from rig import certificates


def read(**answers: object) -> Facts:
    return reading.read({"os": "debian", "name": "Debian GNU/Linux 13 (trixie)", "answers": answers})


def test_answers_become_values() -> None:
    said = read(
        tunnels={"ok": [{"interface": "wg0", "there": True, "mtu": 1420, "handshake": 75.5}]},
        reboot={"ok": ""},
        port25={"ok": {"ipv4": [{"host": "a", "resolved": True, "connected": True, "said": "220"}]}},
    )
    assert said.tunnels == (Tunnel("wg0", mtu=1420, handshake=75.5),)
    assert said.reboot == ""
    assert said.port25 is not None
    assert said.port25["ipv4"][0].said == "220"
    assert (said.os, said.units, said.unasked) == ("debian", None, {})


def test_a_question_that_failed_says_why() -> None:
    said = read(units={"failed": "systemctl took longer than 20 seconds"})
    assert (said.units, said.unasked) == (None, {"units": "systemctl took longer than 20 seconds"})


def test_certificates_are_read_as_far_as_they_are_judged() -> None:
    made = certificates.make("mail.example.org")
    der = base64.b64encode(made.certificate.public_bytes(Encoding.DER)).decode()
    said = read(files={"ok": [{"name": "a", "path": "/a", "there": True, "der": der}]})
    assert said.files is not None
    found = said.files[0].der
    assert found is not None
    assert found.covers("mail.example.org")
    assert not found.covers("example.org")
    assert found.ends == made.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    "answer", [None, 5, "text", [], {}, {"ok": 5}, {"ok": [5]}, {"ok": [{}]}, {"ok": [{"name": "a", "der": "????"}]}]
)
def test_an_answer_that_makes_no_sense_is_none(answer: object) -> None:
    said = read(files=answer, reboot={"ok": "a package asks for it"})
    assert (said.files, said.reboot) == (None, "a package asks for it")


@pytest.mark.parametrize("said", [{}, {"answers": 5}, {"answers": []}, {"answers": {"nobody-asked": {"ok": 1}}}])
def test_a_machine_that_answers_nothing_has_said_nothing(said: dict[str, Any]) -> None:
    assert reading.read(said) == Facts(os="")
