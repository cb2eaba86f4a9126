import pytest

pytest_plugins = ["pytester"]

FAKE_LAB = """
    import contextlib, types
    import pytest
    from mailnix.errors import LabError
    from mailnix.lab.guest import Result

    class Console:
        def __init__(self, name):
            self.log, self.name = f"/lab/{name}/console.log", name
        def tail(self, lines=40):
            return f"last words of {self.name}"

    class FakeMachine:
        def __init__(self, name):
            self.name, self.console, self.killed = name, Console(name), False
        def execute(self, command, *, stdin=b"", timeout=60):
            return Result(0, f"{self.name}: {command}".encode(), b"")
        def kill(self):
            print(f"KILLED {self.name}")

    def named(name):
        return types.SimpleNamespace(name=name)

    @pytest.fixture(scope="session")
    def mailnix_start():
        @contextlib.contextmanager
        def start(wanted, progress):
            print(f"WANTED {wanted}")
            progress("building")
            if wanted.config.name == "broken.py":
                raise LabError("proxy: the kernel panicked", "look at the image", "Kernel panic - not syncing")
            machines = {name: FakeMachine(name) for name in ("internet", "mx1", "mx2", "home")}
            plan = types.SimpleNamespace(proxies=(named("mx1"), named("mx2")), internal=named("home"))
            print("STARTED")
            try:
                yield types.SimpleNamespace(machines=machines, plan=plan)
            finally:
                print("ENDED")
        return start
"""


@pytest.fixture(autouse=True)
def _light(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither plugin has a part in these suites, and they take most of a run. After `pytester`, which clears this.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:inline_snapshot -p no:hypothesispytest")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(FAKE_LAB)
    return pytester


def test_fixtures_are_the_machines_of_the_description(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_names(proxy, proxies, internal, internet, hosts):
            assert proxy.run("hostname").stdout == "mx1: hostname"
            assert [host.backend.hostname for host in proxies.values()] == ["mx1", "mx2"]
            assert (internal.backend.hostname, internet.backend.hostname) == ("home", "internet")
            assert set(hosts) == {"internet", "mx1", "mx2", "home"}
    """)
    suite.runpytest("--mailnix-config", "mail.py").assert_outcomes(passed=1)


def test_one_lab_serves_a_whole_session_and_ends_with_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_a="def test(proxy): pass", test_b="def test(internal): pass")
    result = suite.runpytest("-s", "--mailnix-config", "mail.py", "--mailnix-lab-dir", "/l", "--mailnix-keep")
    result.assert_outcomes(passed=2)
    output = result.stdout.str()
    assert (output.count("STARTED"), output.count("ENDED")) == (1, 1)
    assert "WANTED Wanted(config=PosixPath('mail.py'), state_dir=PosixPath('/l'), keep=True, resume=False)" in output
    assert "mailnix: building" in output


def test_a_failure_shows_the_console_of_every_machine(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_fails(proxy):
            assert False
        def test_passes(proxy):
            pass
    """)
    result = suite.runpytest("--mailnix-config", "mail.py")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*console of mx1*", "last words of mx1", "*console of home*", "*/lab/mx1/console.log"])
    assert result.stdout.str().count("last words of mx1") == 1


def test_a_failure_that_has_no_machines_shows_none(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        def test_uses_the_lab(proxy):
            pass
        def test_fails():
            assert False
    """)
    assert "last words" not in suite.runpytest("--mailnix-config", "mail.py").stdout.str()


def test_a_lab_that_does_not_start_is_said_with_hint_and_console(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_a(proxy): pass\ndef test_b(proxy): pass")
    result = suite.runpytest("--mailnix-config", "broken.py")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["proxy: the kernel panicked", "look at the image", "Kernel panic - not syncing"])
    assert "Traceback" not in result.stdout.str()


def test_the_description_may_be_named_in_the_ini_file(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nmailnix_config = hosts/mail.py")
    suite.makepyfile("def test_a(lab): pass")
    result = suite.runpytest("-s")
    result.assert_outcomes(passed=1)
    assert "hosts/mail.py" in result.stdout.str()


def test_without_a_description_tests_about_machines_are_skipped_with_a_reason(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_a(lab): pass")
    result = suite.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*give --mailnix-config CONFIG*"])


def test_what_needs_qemu_is_skipped_where_there_is_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("""
        import pytest
        @pytest.mark.qemu
        def test_boots(): assert False
        def test_thinks(): pass
    """)
    monkeypatch.setenv("PATH", "/nowhere")
    result = pytester.runpytest("-rs", "--strict-markers")
    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(["*qemu-system-x86_64 is not installed*"])


def test_a_run_without_machines_loads_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys
        def test_light():
            loaded = set(sys.modules)
            for heavy in ("qemu.qmp", "cryptography", "jinja2", "mailnix.lab.machine", "mailnix.pipeline"):
                assert heavy not in loaded, heavy
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
