"""What people install: the sdist, and the wheel made of it, in a virtual environment with nothing else."""

from __future__ import annotations

import re
import shutil
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix import __version__
from mailnix.run import Completed, run
from tests import pages

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "docs/examples/two_machines.py"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
Mailnix = Callable[..., Completed]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel as pip makes it of the sdist."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -e '.[dev]'")
    out = tmp_path_factory.mktemp("dist")
    hatchling: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-d", out]
    run([*hatchling, "-t", "sdist"], cwd=ROOT)
    shutil.unpack_archive(out / f"mailnix-{__version__}.tar.gz", out / "source")
    run([*hatchling, "-t", "wheel"], cwd=out / f"source/mailnix-{__version__}")
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"mailnix-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def mailnix(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Mailnix:
    """The command of a plain `pip install mailnix-*.whl`, run far from the checkout."""
    bare = tmp_path_factory.mktemp("bare")
    venv.create(bare / "venv", symlinks=True)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", bare / "venv/bin/python", "install", "--quiet"]
    fetched = run([*pip, *_dependencies(wheel)], check=False, timeout=300)
    if fetched.status != 0:
        pytest.skip(f"no package index to install dependencies from: {fetched.stderr.strip().splitlines()[-1:]}")
    run([*pip, "--no-index", wheel])  # fails where a dependency is not stated
    environment = {"PYTHONPATH": "", "MAILNIX_FLAKE": ""}

    def call(*words: object) -> Completed:
        argv: list[str | Path] = [bare / "venv/bin/mailnix", *map(str, words)]
        return run(argv, cwd=bare, env=environment, check=False)

    return call


DEBIANS = Path("/usr/bin/python3")


@pytest.mark.skipif(not DEBIANS.exists(), reason="there is no Python of a distribution")
def test_what_the_readme_says_to_type_gives_the_command_on_debian(wheel: Path, tmp_path: Path) -> None:
    """Its own Python lets nobody install into itself (PEP 668). The wheel alone, for others fetch the rest."""
    typed = pages.commands(ROOT / "README.md")
    (venv_of,) = (number for number, each in enumerate(typed) if "-m venv" in each)
    getting = "\n".join(typed[venv_of : venv_of + 2])
    alone = getting.replace("pip install .", f"pip install --quiet --no-index --no-deps {wheel}")
    lines = (f"export PATH={DEBIANS.parent}:/bin", re.sub(r"~|\$HOME", str(tmp_path), alone), "command -v mailnix")
    said = run(["sh", "-ec", "\n".join(lines)], cwd=tmp_path, timeout=300)
    assert said.stdout.splitlines() == [f"{tmp_path}/mailnix/bin/mailnix"]


def test_no_page_has_pip_install_where_debian_refuses_it() -> None:
    of_pip = [each for page in PAGES for each in pages.commands(page) if "pip install" in each]
    assert of_pip
    assert [each for each in of_pip if "/bin/pip" not in each] == []
    texts = {page.name: page.read_text() for page in PAGES}
    assert [name for name, text in texts.items() if "`pip install" in text] == []


def _dependencies(wheel: Path) -> list[str]:
    """What the wheel needs, without extras."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"mailnix-{__version__}.dist-info/METADATA").decode()
    return [line for line in re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE) if "extra ==" not in line]


def test_the_sdist_has_all_that_a_checkout_has(dist: Path) -> None:
    tracked = run(["git", "ls-files"], cwd=ROOT, check=False)
    if tracked.status != 0:
        pytest.skip("no git checkout")
    source = dist / f"source/mailnix-{__version__}"
    assert [name for name in tracked.stdout.split() if (ROOT / name).exists() and not (source / name).exists()] == []


def test_the_wheel_has_the_package_and_the_modules_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"mailnix", f"mailnix-{__version__}.dist-info"}
    assert "mailnix/nixos/shipped/modules/default.nix" in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_installed_command_has_the_version_of_the_package(mailnix: Mailnix) -> None:
    assert mailnix("--version").stdout == f"mailnix {__version__}\n"


@pytest.mark.parametrize("verb", ["check", "plan", "dns"])
def test_the_installed_command_works_without_a_checkout(mailnix: Mailnix, verb: str) -> None:
    ended = mailnix(verb, EXAMPLE)
    assert ended.status == 0, ended.stderr
    assert "mail.example.org" in ended.stdout or "no mistakes" in ended.stdout


def test_the_installed_command_writes_the_guide(mailnix: Mailnix, tmp_path: Path) -> None:
    ended = mailnix("guide", EXAMPLE, "--out", tmp_path / "guide.html")
    assert ended.status == 0, ended.stderr
    assert "<h1>mail.example.org</h1>" in (tmp_path / "guide.html").read_text()


@pytest.mark.parametrize("backend", ["nixos", "debian"])
def test_the_installed_command_emits_what_the_checkout_does(mailnix: Mailnix, backend: str, tmp_path: Path) -> None:
    ended = mailnix("emit", EXAMPLE, "--backend", backend, "--out", tmp_path / "installed")
    assert ended.status == 0, ended.stderr
    run([sys.executable, "-c", "import sys; from mailnix.cli import main; sys.exit(main())",
         "emit", EXAMPLE, "--backend", backend, "--out", tmp_path / "checkout"])  # fmt: skip
    assert _contents(tmp_path / "installed") == _contents(tmp_path / "checkout")


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("words", [("lab", EXAMPLE), ("lab", "shell", "proxy"), ("lab", "stop")], ids=str)
def test_the_lab_says_which_extra_it_needs(mailnix: Mailnix, words: tuple[object, ...]) -> None:
    ended = mailnix(*words)
    assert ended.status == 1
    first, second = ended.stderr.splitlines()
    assert first.startswith("mailnix: the lab needs the extra 'lab': ")
    assert "qemu" in first
    assert "pip install 'mailnix[lab]'" in second


def test_help_needs_no_extra(mailnix: Mailnix) -> None:
    for words in (("--help",), ("lab", "--help"), ("lab", "run", "--help"), ("build", "--help")):
        assert mailnix(*words).status == 0, words
