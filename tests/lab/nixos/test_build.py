"""What Nix is asked for, and what becomes of its answers; a fake runner answers in its place."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.lab.nixos.build import Layer, Wanted, expression
from mailnix.lab.nixos.machines import of_layer
from mailnix.lab.nixos.root import LAYER, Root
from mailnix.run import Completed, OnLine
from tests.nixos.conftest import Nix

TOP = "/nix/store/0123-nixos-system-proxy"


class FakeRunner:
    """Answers as the root's Nix would, and writes disks."""

    def __init__(self, store: Path, error: str = "") -> None:
        self.store, self.error = store, error
        self.commands: list[list[str]] = []

    def __call__(
        self, argv: Sequence[str | os.PathLike[str]], *, on_line: OnLine | None = None, **_options: Any
    ) -> Completed:
        words = [os.fspath(word) for word in argv]
        self.commands.append(words)
        if "nix-build" in words:
            if self.error:
                raise CommandFailed(tuple(words), 1, self.error)
            assert on_line is not None
            for _ in range(50):
                on_line("building '/nix/store/0123-x.drv'...")
            (self.store / "0000-machines.json").write_text(json.dumps({"proxy": TOP}))
            return Completed(tuple(words), 0, "/nix/store/0000-machines.json\n", "")
        if "nix-store" in words:
            return Completed(tuple(words), 0, f"/nix/store/1111-bash\n{TOP}\n", "")
        assert words[1] == str(LAYER / "disk.sh")
        Path(words[4]).write_bytes(b"disk")
        return Completed(tuple(words), 0, "", "")


@pytest.fixture
def runner(tmp_path: Path) -> FakeRunner:
    store = tmp_path / "made/root/nix/store"
    store.mkdir(parents=True)
    return FakeRunner(store)


def layer_of(runner: FakeRunner, folder: Path) -> Layer:
    return Layer(Root(folder / "made"), folder / "tree", runner)


def test_machines_are_built_and_get_disks_with_their_closure(runner: FakeRunner, tmp_path: Path) -> None:
    told: list[str] = []
    made = of_layer(layer_of(runner, tmp_path), Wanted(tmp_path / "flake"), tmp_path / "images", told.append)
    assert made["proxy"].image.read_bytes() == b"disk"
    kernel = made["proxy"].kernel
    assert kernel is not None
    assert kernel.append.endswith(f" init={TOP}/init")
    assert [words for words in runner.commands if "sh" in words][-1][-3:] == [TOP, "/nix/store/1111-bash", TOP]
    assert "NixOS's layer: 50 derivations built" in told


def test_a_disk_is_made_again_only_for_another_toplevel(runner: FakeRunner, tmp_path: Path) -> None:
    layer, wanted, images = layer_of(runner, tmp_path), Wanted(tmp_path / "flake"), tmp_path / "images"

    def disks() -> int:
        of_layer(layer, wanted, images, lambda _line: None)
        return sum(str(LAYER / "disk.sh") in words for words in runner.commands)

    assert [disks(), disks()] == [1, 1]
    (images / "proxy.toplevel").write_text("another")
    assert disks() == 2


def test_two_labs_make_disks_of_the_same_machine_in_folders_of_their_own(runner: FakeRunner, tmp_path: Path) -> None:
    for images in ("one", "two"):
        layer_of(runner, tmp_path).disk(tmp_path / images / "proxy.raw", TOP)
    first, second = (words[3] for words in runner.commands if str(LAYER / "disk.sh") in words)
    assert first != second


def test_what_nix_says_is_shown_with_the_next_step(runner: FakeRunner, tmp_path: Path) -> None:
    runner.error = "line\n" * 100 + "error: The option `services.harka' does not exist."
    with pytest.raises(BuildError, match="NixOS's layer could not be built\n") as caught:
        layer_of(runner, tmp_path).build(Wanted(tmp_path))
    assert caught.value.message.endswith("The option `services.harka' does not exist.")
    assert caught.value.message.count("\n") == 25
    assert "they name the option" in caught.value.hint


def test_nix_sees_the_tree_the_flake_and_modules_of_others(runner: FakeRunner, tmp_path: Path) -> None:
    wanted = Wanted(tmp_path / "flake", {"alone": (tmp_path / "machines/alone.nix",)}, beside=(tmp_path / "modules",))
    layer_of(runner, tmp_path).build(wanted)
    seen = next(words for words in runner.commands if "nix-build" in words)[8].splitlines()
    assert {str(tmp_path / "tree"), str(LAYER), str(tmp_path / "flake"), str(tmp_path / "machines")} | {
        str(tmp_path / "modules")
    } <= set(seen)


@pytest.mark.parametrize("name", ["plain", "with blank", 'quo"te', "dollar${x}"])
def test_the_expression_names_paths_whatever_characters_they_have(name: str, nix: Nix, tmp_path: Path) -> None:
    folder = tmp_path / name
    asked = expression(folder, Wanted(folder, {"a.b": (folder / "x.nix",)}, unfetched=("sha256-x",)))
    paths = '(toString tree) (toString flake) (map toString modules."a.b")'
    texts = f"{{ tree, flake, modules, unfetched }}: [ {paths} unfetched ]"
    function, arguments = asked.split(" { ", 1)
    assert function == f'import (/. + "{LAYER}/build.nix")'
    assert nix.eval(f"({texts}) {{ {arguments}") == [str(folder), str(folder), [f"{folder}/x.nix"], ["sha256-x"]]
