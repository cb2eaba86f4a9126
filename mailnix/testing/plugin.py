"""The pytest plugin: a description's machines as fixtures.

    $ pytest --mailnix-config mail.py vm-tests

    def test_haraka_runs(proxy):
        assert proxy.service("haraka-in").is_running

`lab` boots everything once a session. `proxy`, `internal` and `internet` are pytest-testinfra Hosts; `proxies` has
every proxy by name, and `hosts` every machine. A suite about machines of its own overrides the fixture `mailnix_start`.
Nothing heavy is imported before a test asks for the lab: this file is loaded in every pytest run.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from mailnix.testing.labs import RunningLab, Starter

TAIL_LINES = 25
QEMU_TOOLS = ("qemu-system-x86_64", "qemu-img")

_running: pytest.StashKey[RunningLab] = pytest.StashKey()
_failed_with: pytest.StashKey[RunningLab] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options."""
    group = parser.getgroup("mailnix", "machines of a mail system, booted in QEMU")
    group.addoption("--mailnix-config", metavar="CONFIG", help="the description whose machines are tested")
    group.addoption("--mailnix-lab-dir", metavar="DIR", help="where images, disks and console logs are kept")
    group.addoption("--mailnix-keep", action="store_true", help="leave the machines running after the tests")
    group.addoption(
        "--mailnix-resume",
        action="store_true",
        help="go on from the state that an earlier run with this option saved, or save one",
    )
    parser.addini("mailnix_config", "the description whose machines are tested, from the ini file's folder")


def pytest_configure(config: pytest.Config) -> None:
    """Our marker."""
    config.addinivalue_line("markers", "qemu: starts QEMU itself; skipped where it is not installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `qemu` where there is none."""
    if item.get_closest_marker("qemu"):
        for tool in QEMU_TOOLS:
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="session")
def mailnix_start() -> Starter:
    """How a lab is started; override it to test machines of your own."""
    from mailnix.testing.labs import start_lab

    return start_lab


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, mailnix_start: Starter) -> Iterator[RunningLab]:
    """Every machine of the description and the simulated internet, running."""
    from mailnix.errors import MailnixError
    from mailnix.testing.labs import Wanted

    config = request.config
    state_dir = config.getoption("--mailnix-lab-dir")
    wanted = Wanted(
        _described(config),
        Path(state_dir) if state_dir else None,
        keep=bool(config.getoption("--mailnix-keep")),
        resume=bool(config.getoption("--mailnix-resume")),
    )
    try:
        starting = mailnix_start(wanted, _teller(config))
        running = starting.__enter__()
    except MailnixError as error:
        pytest.fail(explain(error), pytrace=False)
    config.stash[_running] = running
    try:
        yield running
    finally:
        del config.stash[_running]
        starting.__exit__(None, None, None)


@pytest.fixture(scope="session")
def hosts(lab: RunningLab) -> Mapping[str, Host]:
    """A testinfra Host for every machine, by name."""
    from mailnix.testing.backend import host_of

    return {name: host_of(machine) for name, machine in lab.machines.items()}


@pytest.fixture(scope="session")
def proxies(lab: RunningLab, hosts: Mapping[str, Host]) -> Mapping[str, Host]:
    """The proxies by name."""
    return {proxy.name: hosts[proxy.name] for proxy in lab.plan.proxies}


@pytest.fixture(scope="session")
def proxy(proxies: Mapping[str, Host]) -> Host:
    """The first proxy; with only one, the proxy."""
    return next(iter(proxies.values()))


@pytest.fixture(scope="session")
def internal(lab: RunningLab, hosts: Mapping[str, Host]) -> Host:
    """The machine at home."""
    return hosts[lab.plan.internal.name]


@pytest.fixture(scope="session")
def internet(hosts: Mapping[str, Host]) -> Host:
    """Everything else: the internet and its machines."""
    from mailnix.testing.labs import INTERNET

    return hosts[INTERNET]


@pytest.fixture(scope="session")
def world(internet: Host) -> Host:
    """The former name of `internet`."""
    warnings.warn("the fixture `world` is called `internet` now", DeprecationWarning, stacklevel=2)
    return internet


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give every failure of a test about machines the last console lines of each."""
    report = yield
    running = item.config.stash.get(_running, None)
    if report.failed and running is not None and "lab" in getattr(item, "fixturenames", ()):
        item.config.stash[_failed_with] = running
        for name, machine in running.machines.items():
            report.sections.append((f"console of {name}", machine.console.tail(TAIL_LINES)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the whole console logs are, after failures."""
    running = config.stash.get(_failed_with, None)
    if running is not None:
        terminalreporter.section("console logs")
        for machine in running.machines.values():
            terminalreporter.write_line(str(machine.console.log))


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what a session that broke off left behind; the fixture did it already where it could."""
    running = config.stash.get(_running, None)
    if running is not None and not config.getoption("--mailnix-keep"):
        for machine in running.machines.values():
            machine.kill()


def explain(error: Any) -> str:
    """A MailnixError as text: what, what to do, and the console where there is one."""
    return "\n".join(part for part in (error.message, error.hint, getattr(error, "console", "")) if part)


def _described(config: pytest.Config) -> Path:
    given = config.getoption("--mailnix-config")
    if given:
        return Path(given)
    from_ini = config.getini("mailnix_config")
    if from_ini:
        return config.rootpath / str(from_ini)
    return pytest.skip("no description of machines: give --mailnix-config CONFIG")


def _teller(config: pytest.Config) -> Any:
    """Say what happens on the terminal, past pytest's capturing; booting takes minutes."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def tell(line: str) -> None:
        if reporter is None or config.get_verbosity() < 0:
            return
        if capture is None:
            reporter.write_line(f"mailnix: {line}")
            return
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"mailnix: {line}")

    return tell
