import pytest

from mailnix.lab.guest import Result
from mailnix.testing.backend import MachineBackend, get, host_of, put


class FakeGuest:
    """A machine that knows what each command prints, and remembers what it was asked."""

    def __init__(self, name: str = "proxy", **said: str) -> None:
        self.name = name
        self.said = said
        self.asked: list[tuple[str, float]] = []
        self.files: dict[str, bytes] = {}
        self.modes: dict[str, int] = {}

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = 60.0) -> Result:
        self.asked.append((command, timeout))
        known = next((said for word, said in self.said.items() if word in command), None)
        return Result(0, known.encode(), b"") if known is not None else Result(1, b"", b"not known")

    def read_file(self, path: str) -> bytes:
        return self.files[path]

    def write_file(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        self.files[path] = content.encode() if isinstance(content, str) else content
        self.modes[path] = mode


def test_a_command_runs_in_the_guest_with_its_arguments_quoted() -> None:
    guest = FakeGuest(echo="hällo\n")
    result = host_of(guest, timeout=7).run("echo %s", "a b; rm -rf /")
    assert guest.asked == [("echo 'a b; rm -rf /'", 7)]
    assert (result.rc, result.stdout) == (0, "hällo\n")


def test_a_command_that_fails_is_a_result_not_an_error() -> None:
    result = host_of(FakeGuest()).run("false")
    assert (result.failed, result.stderr) == (True, "not known")


def test_a_single_command_may_take_longer() -> None:
    guest = FakeGuest()
    host_of(guest).run("sleep 200", timeout=300)
    assert guest.asked == [("sleep 200", 300)]


def test_files_and_services_read_like_sentences() -> None:
    guest = FakeGuest(uname="Linux", systemctl="active", test="", which="/usr/bin/systemctl", command="x", stat="root")
    host = host_of(guest)
    assert host.file("/etc/passwd").exists
    assert host.file("/etc/passwd").user == "root"


def test_text_from_the_guest_is_utf_8_without_asking() -> None:
    guest = FakeGuest(cat="grüße")
    assert host_of(guest).check_output("cat /x") == "grüße"
    assert not any("locale" in command for command, _ in guest.asked)


def test_two_machines_have_names_of_their_own_in_reports() -> None:
    names = [host_of(FakeGuest(name)).backend.get_pytest_id() for name in ("proxy", "internet")]
    assert names == ["mailnix://proxy", "mailnix://internet"]


def test_files_go_both_ways() -> None:
    guest = FakeGuest()
    host = host_of(guest)
    put(host, "/etc/x", b"\x00\xff", 0o600)
    assert get(host, "/etc/x") == b"\x00\xff"
    assert guest.modes == {"/etc/x": 0o600}


def test_files_of_a_machine_that_is_none_of_ours_are_refused() -> None:
    import testinfra

    with pytest.raises(TypeError, match="not a machine of the lab"):
        get(testinfra.get_host("local://"), "/x")


def test_the_machine_is_within_reach_of_a_test() -> None:
    guest = FakeGuest()
    backend = host_of(guest).backend
    assert isinstance(backend, MachineBackend)
    assert backend.machine is guest
