import pytest

from mailnix.lab.units import UnitState, parse, show_command


def said(load: str = "loaded", active: str = "active", sub: str = "running", job: str = "", pending: int = 0) -> str:
    return f"Result=success\nJob={job}\nLoadState={load}\nActiveState={active}\nSubState={sub}\nPending={pending}\n"


def test_a_running_service_is_active() -> None:
    assert parse(said()).is_active


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (said(active="failed", sub="failed"), "failed (success)"),
        (said(load="not-found", active="inactive", sub="dead"), "not-found"),
        (said(load="masked", active="inactive", sub="dead"), "masked"),
        (said(active="inactive", sub="dead"), "inactive (dead)"),
    ],
)
def test_waiting_is_hopeless_for_what_nothing_will_start(text: str, words: str) -> None:
    state = parse(text)
    assert state.is_hopeless
    assert not state.is_active
    assert str(state) == words


@pytest.mark.parametrize(
    "text",
    [
        said(active="activating", sub="start-pre"),
        said(active="activating", sub="auto-restart"),
        said(active="inactive", sub="dead", job="17", pending=1),
        said(active="inactive", sub="dead", pending=3),
        "",
    ],
)
def test_waiting_goes_on_while_something_may_still_happen(text: str) -> None:
    state = parse(text)
    assert not state.is_hopeless
    assert not state.is_active


def test_a_unit_name_is_quoted() -> None:
    assert "-- 'a b.service')" in show_command("a b.service")
    assert not UnitState().is_hopeless
