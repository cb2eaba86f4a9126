"""Read a description: a Python script's `topology`, or the same value from TOML or JSON."""

from __future__ import annotations

import contextlib
import json
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mailnix.errors import ConfigError, Problem
from mailnix.model.topology import SCHEMA_VERSION, Topology
from mailnix.slips import explained

SCRIPT: Final = ".py"
TOML: Final = ".toml"
JSON: Final = ".json"
VARIABLE: Final = "topology"


def load(path: Path) -> Topology:
    """The topology that a file describes, not yet checked (`mailnix.model.check`).

    Raises ConfigError where the file cannot be read as one, with every mistake in its structure and values.
    """
    text = _text(path)
    match path.suffix:
        case ".py":
            return _from_script(path)
        case ".toml":
            return _from_data(path, _toml(path, text))
        case ".json":
            return _from_data(path, _json(path, text))
        case _:
            raise _wrong(path, "a description is a .py, .toml or .json file", "rename it, or: mailnix init")


def _wrong(path: Path, message: str, hint: str = "", line: int | None = None) -> ConfigError:
    where = str(path) if line is None else f"{path}:{line}"
    return ConfigError([Problem(where, message, hint)], str(path))


def _text(path: Path) -> str:
    """The file's text; every way in which there is none gets its own sentence."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _wrong(path, "there is no such file", "begin with: mailnix init") from None
    except IsADirectoryError:
        inside = sorted(f for f in path.iterdir() if f.suffix in (SCRIPT, TOML, JSON))
        hint = f"name the file in it: {inside[0]}" if len(inside) == 1 else "name a file in it"
        raise _wrong(path, "is a folder", hint) from None
    except UnicodeDecodeError:
        raise _wrong(path, "is not a text file (UTF-8)") from None
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    if "\0" in text:
        raise _wrong(path, "is not a text file (UTF-8)")
    if not text.strip():
        raise _wrong(path, "is empty", "write one with: mailnix init")
    return text


def _from_script(path: Path) -> Topology:
    """Run a script and take its `topology`; what it prints goes to stderr, since stdout is for results."""
    try:
        with contextlib.redirect_stdout(sys.stderr), _importing_beside(path):
            found = runpy.run_path(str(path), run_name="mailnix_config")
    except SyntaxError as error:
        message = f"Python does not read this: {error.msg}"
        raise _wrong(Path(error.filename or path), message, _quoted(error.text), error.lineno) from None
    except (Exception, SystemExit) as error:
        raise _raised(path, error) from None
    if VARIABLE not in found:
        others = [name for name, value in found.items() if isinstance(value, Topology)]
        hint = f"rename {others[0]} to {VARIABLE}" if others else f"end the script with: {VARIABLE} = Topology(…)"
        raise _wrong(path, f"the script defines no `{VARIABLE}`", hint)
    topology = found[VARIABLE]
    if not isinstance(topology, Topology):
        message = f"`{VARIABLE}` is a {type(topology).__name__}, not a Topology"
        raise _wrong(path, message, f"write: {VARIABLE} = Topology(hostname=…, proxies=[…], internal=…, domains=[…])")
    return topology


@contextlib.contextmanager
def _importing_beside(path: Path) -> Iterator[None]:
    """Let a script import its neighbours, as Python lets a main script."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _raised(path: Path, error: BaseException) -> ConfigError:
    """What a script raised, at the script's own last line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    kind = type(error).__name__
    said = str(error).replace("__init__() ", "").splitlines()
    message = explained(error) or f"the script raised {kind}" + (f": {said[0]}" if said else "")
    if not frames:
        return _wrong(path, message)
    return _wrong(path, message, _quoted(frames[-1].line), frames[-1].lineno)


def _quoted(line: str | None) -> str:
    return f"the line is: {line.strip()}" if line and line.strip() else ""


def _toml(path: Path, text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"is not TOML: {error}") from None


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(path, f"is not JSON: {error.msg}, column {error.colno}", line=error.lineno) from None
    except RecursionError:
        raise _wrong(path, "is nested too deeply") from None


def _from_data(path: Path, data: Any) -> Topology:
    if not isinstance(data, Mapping):
        raise _wrong(path, f"holds a {type(data).__name__}, not a table with hostname, proxies, internal and domains")
    version = data.get("version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        message = f"is written for a newer mailnix (version {version}; this one reads {SCHEMA_VERSION})"
        raise _wrong(path, message, "install a newer mailnix, or set version back")
    from mailnix.structure import structure

    topology, found = structure(data)
    if found:
        from mailnix.model.check import problems

        known = tuple(problem.path for problem in found)
        raise ConfigError([*found, *(p for p in problems(topology) if not p.path.startswith(known))], str(path))
    return topology
