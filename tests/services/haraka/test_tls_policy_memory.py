"""What tls_policy keeps: policies for as long as they say, servers that had DANE, counts by day."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from rig import javascript

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed (apt-get install npm)")

STORE = """
const { Policies, PolicyError } = require(`${PLUGINS}/tls_policy/sts.js`)
const texts = { enforce: 'version: STSv1\\nmode: enforce\\nmx: a.example\\nmax_age: 86400\\n' }
texts.none = texts.enforce.replace('enforce', 'none')
texts.short = texts.enforce.replace('86400', '0')
const world = { id: '1', text: 'enforce', dns: true, fetched: [], notes: [] }
const lookup = async () => {
    if (!world.dns) throw new Error('SERVFAIL')
    return { records: world.id ? [{ data: `v=STSv1; id=${world.id}` }] : [] }
}
const fetch = async (domain) => {
    world.fetched.push(domain)
    if (!texts[world.text]) throw new PolicyError('404', 'sts-policy-fetch-error')
    return texts[world.text]
}
const note = (domain, err) => world.notes.push(err.type)
const store = () => new Policies({ folder: FOLDER, names: { lookup }, fetch, note })
let policies = store()
const ask = async (change = {}, domain = 'b.example') => {
    Object.assign(world, change)
    const policy = await policies.of(domain)
    return [policy && policy.mode, world.fetched.length]
}
const run = async () => { STEPS }
run().then((found) => console.log(JSON.stringify({ found, notes: world.notes })))
"""


def steps(folder: Path, code: str) -> Any:
    """The last value of some steps with a store of policies: mode (null: none) and how often it was fetched."""
    return javascript(STORE.replace("FOLDER", json.dumps(str(folder))).replace("STEPS", code))


def test_a_policy_is_fetched_once_for_each_id(tmp_path: Path) -> None:
    code = "return [await ask(), await ask(), await ask({ id: '2' }), await ask()]"
    assert steps(tmp_path, code)["found"] == [["enforce", 1], ["enforce", 1], ["enforce", 2], ["enforce", 2]]


def test_mails_that_come_together_fetch_it_together(tmp_path: Path) -> None:
    assert steps(tmp_path, "return await Promise.all([ask(), ask(), ask()])")["found"] == [["enforce", 1]] * 3


def test_it_holds_without_its_record_and_without_dns(tmp_path: Path) -> None:
    code = "await ask(); policies = store(); return [await ask({ id: null }), await ask({ dns: false })]"
    assert steps(tmp_path, code)["found"] == [["enforce", 1], ["enforce", 1]]


def test_it_holds_where_the_new_one_cannot_be_fetched_which_is_not_tried_each_time(tmp_path: Path) -> None:
    found = steps(tmp_path, "await ask(); return [await ask({ id: '2', text: 'gone' }), await ask()]")
    assert found == {"found": [["enforce", 2], ["enforce", 2]], "notes": ["sts-policy-fetch-error"]}


def test_mode_none_takes_it_back(tmp_path: Path) -> None:
    assert steps(tmp_path, "return [await ask(), await ask({ id: '2', text: 'none' })]")["found"] == [
        ["enforce", 1],
        [None, 2],
    ]


def test_it_ends_with_its_age(tmp_path: Path) -> None:
    assert steps(tmp_path, "await ask({ text: 'short' }); return [await ask({ id: null })]")["found"] == [[None, 1]]


def test_an_old_one_is_renewed_beside_the_mail(tmp_path: Path) -> None:
    kept = {
        "id": "1",
        "fetched": (time.time() - 50_000) * 1000,
        "policy": {"mode": "enforce", "mx": [], "max_age": 86400},
    }
    (tmp_path / "b.example.json").write_text(json.dumps(kept))
    code = "const first = await ask(); await new Promise(setImmediate); return [first[0], world.fetched.length]"
    assert steps(tmp_path, code)["found"] == ["enforce", 1]


def test_a_broken_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "b.example.json").write_text('{"id": "1"')
    assert steps(tmp_path, "return await ask()")["found"] == ["enforce", 1]


@pytest.mark.parametrize("domain", ["../b.example", "b.example/x", "", ".", "[192.0.2.1]", "a b"])
def test_what_is_no_domain_has_no_policy_and_no_file(tmp_path: Path, domain: str) -> None:
    assert steps(tmp_path / "kept", f"return await ask({{}}, {json.dumps(domain)})")["found"] == [None, 0]
    assert not (tmp_path / "kept").exists()


COUNTS = """
const { Counts } = require(`${PLUGINS}/tls_policy/memory.js`)
let now = Date.parse('2026-11-25T12:00:00Z')
const counts = new Counts(FOLDER, () => now)
const sts = { kind: 'sts', patterns: ['a.example'] }
const failure = (type, ip = '192.0.2.1') => ({ type, mx: 'a.example', ip, reason: 'because' })
const run = async () => { STEPS }
run().then(() => console.log('null'))
"""


def counted(folder: Path, code: str) -> dict[str, Any]:
    """The files that are there after some steps."""
    javascript(COUNTS.replace("FOLDER", json.dumps(str(folder))).replace("STEPS", code))
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def test_sessions_are_counted_by_day(tmp_path: Path) -> None:
    code = (
        "await counts.count('b.example', sts, null); await counts.count('b.example', sts, failure('x'));"
        "await counts.count('b.example', sts, failure('x')); now += 86400000;"
        "await counts.count('b.example', sts, null); await counts.save()"
    )
    first = {"type": "x", "mx": "a.example", "ip": "192.0.2.1", "reason": "because", "count": 2}
    day = {"policy": ["a.example"], "successful": 1, "failed": 2, "failures": [first]}
    assert counted(tmp_path, code) == {
        "2026-11-25.json": {"b.example": {"sts": day}},
        "2026-11-26.json": {
            "b.example": {"sts": {"policy": ["a.example"], "successful": 1, "failed": 0, "failures": []}}
        },
    }


def test_a_new_start_counts_on_and_old_days_go(tmp_path: Path) -> None:
    (tmp_path / "2026-10-01.json").write_text("{}")
    before = {"b.example": {"sts": {"policy": ["a.example"], "successful": 41, "failed": 0, "failures": []}}}
    (tmp_path / "2026-11-25.json").write_text(json.dumps(before))
    found = counted(tmp_path, "await counts.count('b.example', sts, null); await counts.save()")
    assert list(found) == ["2026-11-25.json"]
    assert found["2026-11-25.json"]["b.example"]["sts"]["successful"] == 42


def test_a_stranger_cannot_make_a_day_endless(tmp_path: Path) -> None:
    code = (
        "for (let i = 0; i < 10100; i++) await counts.count(`d${i}.example`, sts, null);"
        "for (let i = 0; i < 100; i++) await counts.count('d1.example', sts, failure('x', `192.0.2.${i}`));"
        "await counts.count('__proto__', sts, null); await counts.save()"
    )
    (day,) = counted(tmp_path, code).values()
    assert len(day) == 10_000
    assert day["d1.example"]["sts"]["failed"] == 100
    assert len(day["d1.example"]["sts"]["failures"]) == 20


KNOWN = """
const { Known } = require(`${PLUGINS}/tls_policy/memory.js`)
const known = new Known(FOLDER)
const run = async () => { STEPS }
run().then((found) => console.log(JSON.stringify(found)))
"""


def test_servers_with_dane_are_remembered_for_thirty_days(tmp_path: Path) -> None:
    code = (
        "await known.add('mx.example'); const had = await known.has('mx.example');"
        "const old = (Date.now() - 31 * 86400000) / 1000;"
        "require('node:fs').utimesSync(`${FOLDER}/mx.example`, old, old);"
        "const later = await known.has('mx.example'); await known.tidy();"
        "return [had, later, require('node:fs').readdirSync(FOLDER)]"
    )
    text = KNOWN.replace("STEPS", code.replace("${FOLDER}", str(tmp_path)))
    assert javascript(text.replace("FOLDER", json.dumps(str(tmp_path)))) == [True, False, []]
