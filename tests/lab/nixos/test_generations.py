"""A further generation on its way to a machine; a fake machine and a fake Nix stand for both."""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.lab.nixos import generations
from mailnix.lab.nixos.build import Layer
from mailnix.lab.nixos.root import Root
from mailnix.run import Completed

TOP = "/nix/store/2222-nixos-system-proxy"
CLOSURE = ("/nix/store/1111-bash", "/nix/store/3333-etc", TOP)


class FakeMachine:
    """Has bash in its store, and notes what it is given."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.files: dict[str, bytes] = {}

    def succeed(self, command: str, *, timeout: float = 0.0) -> str:
        self.commands.append(command)
        return "1111-bash\n" if command.startswith("ls ") else ""

    def write_file(self, path: str, content: bytes) -> None:
        self.files[path] = content


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    for path in CLOSURE:
        (tmp_path / "root" / path[1:]).mkdir(parents=True)
        (tmp_path / "root" / path[1:] / "file").write_text(path)

    def runner(argv: Sequence[str | os.PathLike[str]], **_options: Any) -> Completed:
        assert "nix-store" in [os.fspath(word) for word in argv]
        return Completed(("nix-store",), 0, "\n".join(CLOSURE) + "\n", "")

    return Layer(Root(tmp_path), tmp_path / "tree", runner)


def test_a_machine_gets_what_it_lacks_and_the_program(layer: Layer, tmp_path: Path) -> None:
    machine, program = FakeMachine(), tmp_path / "switch-to-configuration"
    program.write_text("program")
    assert generations.bring(machine, layer, TOP, program) == 2
    with tarfile.open(fileobj=io.BytesIO(machine.files[generations.ARCHIVE])) as tar:
        files = {member.name for member in tar if member.isfile()}
        assert {(member.uid, member.uname) for member in tar} == {(0, "root")}
    assert files == {"nix/store/3333-etc/file", f"{TOP[1:]}/file", "usr/lib/debian/switch-to-configuration"}
    assert machine.commands[-1] == generations.unpack_command()


def test_the_store_is_writable_for_one_command_alone() -> None:
    words = shlex.split(generations.unpack_command())
    assert words[:4] == ["unshare", "--mount", "--propagation", "private"]
    assert "remount,bind,rw /nix/store" in words[-1]


def test_switching_is_a_unit_of_its_own_after_the_profile_is_set() -> None:
    """As a child of whoever asked it would end with them: the guest agent and SSH may be restarted."""
    machine = FakeMachine()
    generations.switch(machine, TOP)
    (command,) = machine.commands
    first, _, second = command.partition(" && ")
    assert first == f"ln -sfn {TOP} /nix/var/nix/profiles/system"
    assert second.startswith("systemd-run ")
    assert second.endswith(f" {TOP}/bin/switch-to-configuration switch 2>&1")
