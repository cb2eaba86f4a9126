"""What is made is what the providers' schemas have (opentofu.toml), and is read as what is described."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.plan import DnsRecord
from mailnix.run import run
from mailnix.zones import opentofu, parts
from tests.zones.test_opentofu import made, resources

SCHEMAS: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("opentofu.toml").read_text())
PROGRAM = shutil.which("tofu") or shutil.which("terraform")
BUILT_IN = "terraform_data"
"""A resource that keeps what it is given, as evaluated; its provider is part of the program."""


def mistakes(block: Mapping[str, Any], fields: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """What a provider would refuse in a block, or in one within it."""
    for name, value in block.items():
        field = fields.get(name)
        if field is None:
            yield f"{name}: no such field"
            continue
        size = value if isinstance(value, int) else len(value)
        if type(value).__name__ != field["type"]:
            yield f"{name}: {value!r} is no {field['type']}"
        elif not field.get("least", 0) <= size <= field.get("most", size):
            yield f"{name}: {value!r} is out of bounds"
        elif "of" in field and value not in field["of"]:
            yield f"{name}: {value!r} is not among {field['of']}"
        for inner in (value if isinstance(value, list) else [value]) if "within" in field else ():
            yield from mistakes(inner, schema[field["within"]], schema)


@pytest.mark.parametrize("provider", opentofu.PROVIDERS)
def test_every_resource_is_as_its_providers_schema_wants_it(records: Sequence[DnsRecord], provider: str) -> None:
    ((kind, blocks),) = made(records, provider)["resource"].items()
    schema = SCHEMAS[kind]
    for name, block in blocks.items():
        wrong = [*mistakes(block, schema["fields"], schema)]
        wrong += [f"{each} is missing" for each in schema["required"] if each not in block]
        assert wrong == [], name
        assert len(block.keys() & {*schema.get("either", ())}) == bool(schema.get("either")), name


def test_the_tables_fields_are_all_in_use(records: Sequence[DnsRecord]) -> None:
    """What nothing is compared with says nothing."""
    for provider in opentofu.PROVIDERS:
        ((kind, blocks),) = made(records, provider)["resource"].items()
        used = {name for block in blocks.values() for name in block}
        assert used == SCHEMAS[kind]["fields"].keys()
    data = [block["data"] for block in resources(records, "cloudflare").values() if "data" in block]
    assert {name for each in data for name in each} == SCHEMAS["cloudflare_dns_record"]["data"].keys()


def test_cloudflare_gets_the_priority_of_an_srv_record_at_both_its_places(records: Sequence[DnsRecord]) -> None:
    """Its API answers with both, and a field of the answer that is not described is a change in every plan."""
    for block in resources(records, "cloudflare").values():
        if block["type"] == "SRV":
            assert block["priority"] == block["data"]["priority"]


def evaluated(folder: Path, blocks: Mapping[str, Any]) -> Mapping[str, Any]:
    """The blocks as the program reads them: with a provider of its own, for others are nowhere near."""
    if PROGRAM is None:
        pytest.skip("neither tofu nor terraform is installed")
    kept = {"resource": {BUILT_IN: {name: {"input": block} for name, block in blocks.items()}}}
    (folder / opentofu.FILE).write_text(json.dumps(kept))
    alone = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    for words in (["init"], ["validate"], ["plan", "-out=plan"]):
        run([PROGRAM, *words, "-no-color"], cwd=folder, env=alone, timeout=120)
    whole = json.loads(run([PROGRAM, "show", "-json", "plan"], cwd=folder, env=alone, timeout=120).stdout)
    found = whole["planned_values"]["root_module"]["resources"]
    return {each["name"]: each["values"]["input"] for each in found}


def test_the_program_itself_reads_the_data_that_is_described(records: Sequence[DnsRecord], tmp_path: Path) -> None:
    """SPF's macros and quoted strings among it, which its templates must not touch."""
    blocks = {f"{kind}_{name}": block for kind in ("desec", "ovh") for name, block in resources(records, kind).items()}
    found = evaluated(tmp_path, blocks)
    wanted = sorted((r.zone, r.type, r.data) for members in parts.zones(records).values() for r in members)
    assert [data for _zone, _type, data in wanted if "%{i}" in data]
    sets = [each for name, each in found.items() if name.startswith("desec")]
    assert sorted((each["domain"], each["type"], data) for each in sets for data in each["records"]) == wanted
    alone = [each for name, each in found.items() if name.startswith("ovh")]
    assert sorted((each["zone"], each["fieldtype"], each["target"]) for each in alone) == wanted
