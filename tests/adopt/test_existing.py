"""Rows of a Mailcow, as far as they are kept."""

from __future__ import annotations

from mailnix.adopt.existing import SECRETS, rows


def test_no_password_and_no_hash_is_kept_of_a_row() -> None:
    secret = dict.fromkeys(SECRETS, "s3cret")
    (row,) = rows([{"hostname": "relay.example", **secret}, "no row"])
    assert row.text("hostname") == "relay.example"
    assert "s3cret" not in repr(row)


def test_numbers_that_no_database_has_are_none() -> None:
    (row,) = rows([{"quota": "9" * 400, "active": 1e400}])
    assert (row.number("quota", 7), row.number("active", 7)) == (7, 7)
