"""What the stand for Mailcow's own code says where it cannot be, and its servers that play others."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.nar import nar_hash
from mailnix.services.mailcow.pin import PIN
from rig.mailcow.names import MX, NXDOMAIN, PTR, A, Names, question, reversed_address, wire
from rig.mailcow.needs import PACKAGES, missing, refusal

NAMES = Names({"mx.example.net": "192.0.2.50"}, {"example.net": "mx.example.net"}, {"50.2.0.192.in-addr.arpa": "mx"})


def query(name: str, kind: int) -> bytes:
    """A query as resolvers send it."""
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + wire(name) + struct.pack(">HH", kind, 1)


def code(reply: bytes) -> int:
    """The code of a reply."""
    return int(struct.unpack_from(">H", reply, 2)[0]) & 15


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, that is what is missing")
def test_missing_packages_are_named_with_where_it_is_said_how() -> None:
    said = missing(lambda names: {name for name in names if name != "php-ldap"})
    assert "php-ldap" in said
    assert "CONTRIBUTING.md" in said
    assert "rspamd" not in said


def test_the_list_of_packages_has_one_a_line_and_none_twice() -> None:
    assert sorted(set(PACKAGES)) == list(PACKAGES)


def test_another_tree_is_refused_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "data/web").mkdir(parents=True)
    (tmp_path / "data/web/json_api.php").write_text("<?php")
    assert f"its hash is {nar_hash(tmp_path)}, wanted {PIN.nar_hash}" in refusal(tmp_path)
    assert refusal(tmp_path, evolve(PIN, nar_hash=nar_hash(tmp_path))) == ""


def test_a_folder_without_mailcow_is_refused(tmp_path: Path) -> None:
    assert "no tree of Mailcow" in refusal(tmp_path)


def test_a_query_is_read() -> None:
    assert question(query("MX.example.NET", A)) == ("mx.example.net", A, 12 + 16 + 4)


def test_an_address_is_told() -> None:
    assert NAMES.answer(query("mx.example.net", A)).endswith(socket.inet_aton("192.0.2.50"))


def test_an_exchanger_and_a_name_for_an_address_are_told() -> None:
    assert NAMES.answer(query("example.net", MX)).endswith(wire("mx.example.net"))
    assert NAMES.answer(query(reversed_address("192.0.2.50"), PTR)).endswith(wire("mx"))


def test_a_name_without_such_a_record_is_not_one_that_does_not_exist() -> None:
    assert code(NAMES.answer(query("mx.example.net", MX))) == 0
    assert code(NAMES.answer(query("nowhere.example", A))) == NXDOMAIN
