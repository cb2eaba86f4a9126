"""Only what has changed is told, once, and a network that was down for a moment is no news."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.doctor.state import State, changes, default_file, read, write
from mailnix.doctor.values import Answer, Finding, Severity, Vantage
from mailnix.errors import MailnixError

IDS = {"dns.mx"}


def finding(answer: Answer, evidence: str = "", name: str = "dns.mx") -> Finding:
    return Finding(name, "example.org MX", Vantage.RESOLVER, Severity.FAILURE, answer, evidence)


def told(*answers: Answer) -> list[bool]:
    """Whether each run of these is news."""
    state: State = {}
    news = []
    for answer in answers:
        said, state = changes(state, [finding(answer)], IDS)
        news.append(bool(said))
    return news


WELL, WRONG, UNASKED = Answer.WELL, Answer.WRONG, Answer.UNASKED


@pytest.mark.parametrize(
    ("answers", "news"),
    [
        ([WELL, WELL], [False, False]),
        ([WRONG, WRONG, WELL], [True, False, True]),
        ([WELL, UNASKED, WELL], [False, False, False]),
        ([WELL, UNASKED, UNASKED, UNASKED, WELL], [False, False, True, False, True]),
        ([WRONG, UNASKED, WRONG], [True, False, False]),
        ([WRONG, UNASKED, WELL], [True, False, True]),
    ],
)
def test_a_run_tells_what_differs_from_what_was_known(answers: list[Answer], news: list[bool]) -> None:
    assert told(*answers) == news


def test_other_evidence_for_the_same_answer_is_no_news() -> None:
    _, state = changes({}, [finding(WRONG, "9 days left")], IDS)
    assert changes(state, [finding(WRONG, "8 days left")], IDS)[0] == ()


def test_what_is_known_of_checks_that_did_not_run_stays() -> None:
    _, state = changes({}, [finding(WRONG)], IDS)
    _, later = changes(state, [finding(WELL, name="dns.ptr")], {"dns.ptr"})
    assert later["dns.mx", "example.org MX"].answer is WRONG


def test_a_subject_that_is_described_no_longer_is_forgotten() -> None:
    _, state = changes({}, [finding(WRONG)], IDS)
    assert changes(state, [], IDS) == ((), {})


def at(subject: str, answer: Answer) -> Finding:
    return Finding("proxy.disk", subject, Vantage.PROXY, Severity.WARNING, answer, "")


DISK = {"proxy.disk"}
WHOLE, FULL, GONE = at("proxy", WELL), at("proxy /var", WRONG), at("proxy", UNASKED)


@pytest.mark.parametrize(
    ("runs", "last"),
    [
        ([WHOLE, FULL, WHOLE], [WHOLE]),
        ([FULL, WHOLE, WHOLE], []),
        ([FULL, GONE, FULL], []),
        ([FULL, GONE, WHOLE], [WHOLE]),
        ([FULL, GONE, GONE, FULL], [FULL]),
        ([FULL, at("proxy-b", WELL)], []),
    ],
    ids=["mended", "mended before", "silent once", "mended meanwhile", "silent for long", "another is well"],
)
def test_a_part_that_was_bad_is_well_again_with_the_whole(runs: list[Finding], last: list[Finding]) -> None:
    state: State = {}
    news: tuple[Finding, ...] = ()
    for each in runs:
        news, state = changes(state, [each], DISK)
    assert [*news] == last


def test_what_was_bad_stays_so_while_only_others_of_its_check_are_asked() -> None:
    """Where no port is reached, certificates have one answer, about the first of them."""
    _, state = changes({}, [FULL], DISK)
    _, state = changes(state, [at("elsewhere", UNASKED)], DISK)
    assert changes(state, [FULL], DISK)[0] == ()


def test_the_state_comes_back_from_its_file(tmp_path: Path) -> None:
    _, state = changes({}, [finding(WRONG)], IDS)
    write(tmp_path / "new" / "state.json", state)
    assert read(tmp_path / "new" / "state.json") == state
    assert read(tmp_path / "none.json") == {}


def test_a_link_to_a_state_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "state.json")
    write(tmp_path / "link", {})
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "state.json") == {}


def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mail.py").write_text("[1]")
    with pytest.raises(MailnixError) as caught:
        read(tmp_path / "mail.py")
    assert "--state" in caught.value.hint


def test_each_description_has_a_file_in_the_users_state_folder() -> None:
    here, there = (default_file(Path(each, "mail.py"), {"XDG_STATE_HOME": "/state"}) for each in ("/a", "/b"))
    assert here.parent == there.parent == Path("/state/mailnix")
    assert here != there
    assert default_file(Path("mail.py"), {"HOME": "/home/me"}).parent == Path("/home/me/.local/state/mailnix")
