"""Whose turn it is: domains in turn, each by the time that its mails became due, few at once, silent ones beside."""

from __future__ import annotations

from typing import Any

import pytest

import rig as stands

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

BEGIN = """
const { Slots } = require(`${PLUGINS}/deliveries/slots`)
const begun = []
const ends = []
const settings = { total: 4, per_domain: 2, beside: 3, silence: 0.01 }
const slots = new Slots(settings, (file, _domain, slot) => new Promise((end) => {
    begun.push(file)
    ends.push(end)
    talk = setInterval(() => silent.has(file) || slot.heard(), 2)
    talk.unref()
}))
const soon = (milliseconds = 5) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const silent = new Set()
const said = (value) => { console.log(JSON.stringify(value)); process.exit() }
"""


def script(code: str) -> Any:
    return stands.javascript(f"{BEGIN}\n(async () => {{ {code} }})()")


def test_domains_take_turns_and_none_has_more_than_its_share() -> None:
    begun = script("""
        for (let n = 0; n < 1000; n++) slots.add(`a${n}`, 'a')
        for (let n = 0; n < 2; n++) slots.add(`b${n}`, 'b')
        slots.add('c0', 'c')
        while (begun.length < 4) await soon()
        const first = [...begun]
        ends[0]()
        await soon()
        said([first, begun.slice(4)])
    """)
    assert begun == [["a0", "b0", "c0", "a1"], ["b1"]]


def test_mails_of_a_domain_leave_in_the_order_in_which_they_became_due() -> None:
    begun = script("""
        for (let n = 0; n < 6; n++) slots.add(`a${n}`, 'a')
        for (let n = 0; n < 6; n++) { await soon(); ends[n]?.() }
        said(begun)
    """)
    assert begun == [f"a{n}" for n in range(6)]


def test_silent_deliveries_make_room_up_to_a_limit() -> None:
    begun = script("""
        for (let n = 0; n < 20; n++) { silent.add(`d${n}`); slots.add(`d${n}`, `domain${n}`) }
        while (begun.length < 7) await soon()
        await soon(100)
        said([begun.length, slots.length])
    """)
    assert begun == [4 + 3, 20]


def test_what_is_done_leaves_nothing_behind() -> None:
    left = script("""
        for (let n = 0; n < 8; n++) slots.add(`d${n}`, `domain${n}`)
        for (let n = 0; n < 8; n++) { await soon(); ends[n]() }
        await soon()
        said([slots.lines.size, slots.length, slots.talking, slots.silent])
    """)
    assert left == [0, 0, 0, 0]
