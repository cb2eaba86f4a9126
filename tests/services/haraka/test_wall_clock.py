"""The machine's clock may be set while a Haraka runs (one that booted without the time): no patience depends on it."""

from __future__ import annotations

import pytest

import rig as stands

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

BEGIN = """
const real = Date.now
let ahead = 0
Date.now = () => real() + ahead * 1000
const { Hosts } = require(`${PLUGINS}/deliveries/hosts`)
const { Clock } = require(`${PLUGINS}/sessions/clock`)
const hosts = new Hosts({ per_host: 5, dead_first: 0.05, dead_most: 900 })
const host = hosts.of({ exchange: '192.0.2.1', port: 25 })
const clock = new Clock({ data_rate: 500 }, { DATA: 1 })
const session = {}
hosts.fails(host, 'it is silent')
clock.begin(session)
const jump = (seconds) => (ahead = seconds)
const said = (value) => console.log(JSON.stringify(value))
"""


def test_a_clock_set_back_leaves_no_host_dead_for_longer() -> None:
    assert stands.javascript(BEGIN + "jump(-86400); setTimeout(() => said(hosts.dead(host)), 100)") == ""


@pytest.mark.parametrize("seconds", [-86400, 86400])
def test_a_clock_that_is_set_ends_no_session_and_makes_none_endless(seconds: int) -> None:
    assert 0 <= stands.javascript(BEGIN + f"jump({seconds}); said(clock.waited(session))") < 10_000
