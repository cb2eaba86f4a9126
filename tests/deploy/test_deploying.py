"""What a deploy does with machines that answer, with those that do not, and with those that would be locked out."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix import Domain, Mailbox
from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.machine import Busy, Refused, Unreached
from mailnix.deploy.rolling import rollback
from mailnix.deploy.values import End, Pending
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import Stage, ends, generations
from tests.descriptions import sound


def test_plain_servers_become_the_machines_home_first(plain: Stage) -> None:
    report = deploy(plain.deploying())
    assert list(ends(report).items()) == [("internal", End.CONFIRMED), ("proxy", End.CONFIRMED)]
    assert generations(plain) == {"proxy": 1, "internal": 1}
    assert plain.calls("install mailnix-generations") == ["proxy", "internal"]
    assert [line for line in plain.heard if "switching" in line] == [
        "internal: switching to generation 1",
        "proxy: switching to generation 1",
    ]


def test_whoever_owns_a_plain_server_is_asked_before_it_changes(plain: Stage) -> None:
    plain.may_take_over = False
    with pytest.raises(DeployError, match="stays as it is") as caught:
        deploy(plain.deploying())
    assert "--take-over" in caught.value.hint
    assert "its name, network, firewall" in plain.questions[0]
    assert plain["proxy"].calls == ["probe"]


def test_machines_that_are_as_described_are_left_alone(stage: Stage) -> None:
    report = deploy(stage.deploying())
    assert ends(report) == {"internal": End.AS_DESCRIBED, "proxy": End.AS_DESCRIBED}
    assert stage["proxy"].calls == stage["internal"].calls == ["probe", "status", "compare"]


def test_a_new_mailbox_touches_home_alone(stage: Stage) -> None:
    stage.packages.digests["internal"] = "one mailbox more"
    stage.secrets["internal"]["mailcow.mailboxes"] = b"{more}"
    report = deploy(stage.deploying())
    assert generations(stage) == {"proxy": 1, "internal": 2}
    home = report.machines[0]
    assert home.credentials == ("mailcow.mailboxes",)
    assert home.why == "its description changed; credentials: mailcow.mailboxes"
    assert stage["internal"].credentials["mailcow.mailboxes"] == b"{more}"
    assert "switch 2" not in stage["proxy"].calls


def test_what_somebody_changed_by_hand_is_put_back(stage: Stage) -> None:
    stage["proxy"].drift = ("/etc/ssh/sshd_config.d/mailnix.conf",)
    report = deploy(stage.deploying())
    assert report.machines[1].why == "changed by hand: /etc/ssh/sshd_config.d/mailnix.conf"
    assert generations(stage) == {"proxy": 2, "internal": 1}


def test_a_dry_run_changes_nothing_and_shows_what_would(stage: Stage) -> None:
    stage.packages.digests["internal"] = "other"
    report = deploy(stage.deploying(dry_run=True))
    assert ends(report) == {"internal": End.PLANNED, "proxy": End.AS_DESCRIBED}
    assert report.machines[0].changes.changed == ("/etc/mailnix/provision.json",)
    assert stage.calls("switch") == []


def test_a_dry_run_sends_no_secret(stage: Stage) -> None:
    stage.secrets["proxy"]["haraka.internalcmd"] = b"new"
    report = deploy(stage.deploying(dry_run=True))
    assert report.machines[1].credentials == ("haraka.internalcmd",)
    assert not [name for name in stage["proxy"].sent if name.startswith("credentials")]


def test_a_dry_run_installs_nothing_on_a_plain_server(plain: Stage) -> None:
    report = deploy(plain.deploying(dry_run=True))
    assert ends(report) == {"internal": End.PLANNED, "proxy": End.PLANNED}
    assert plain["proxy"].calls == plain["internal"].calls == ["probe"]


def test_a_package_that_is_there_is_not_sent_again(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    deploy(stage.deploying())
    assert stage["proxy"].sent == ["made.json", "mailnix-proxy_2_all.deb"]


def test_who_would_be_locked_out_is_not(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "a firewall that lets nobody in"
    stage["proxy"].locks_out = True
    with pytest.raises(Failed, match=r"a new SSH connection to proxy: .*; proxy runs generation 1") as caught:
        deploy(stage.deploying())
    assert ends(caught.value.report) == {"internal": End.AS_DESCRIBED, "proxy": End.BACK}
    assert generations(stage)["proxy"] == 1
    assert any("goes back by itself at" in line for line in stage.heard)


def test_what_answers_in_our_programs_place_does_not_end_the_wait_for_a_machine_that_goes_back(stage: Stage) -> None:
    """As a provider's forced command, once root's keys of before are back."""
    proxy, refusals = stage["proxy"], iter(range(3))

    def forced(verb: str) -> None:
        gone_back = proxy.last is not None and proxy.last.end == "back"
        if verb == "status" and gone_back and next(refusals, None) is not None:
            raise Refused("Please login as the user debian")

    stage.packages.digests["proxy"] = "a firewall that lets nobody in"
    proxy.locks_out, proxy.on_call = True, forced
    with pytest.raises(Failed, match="a new SSH connection to proxy") as caught:
        deploy(stage.deploying())
    assert ends(caught.value.report) == {"internal": End.AS_DESCRIBED, "proxy": End.BACK}
    assert next(refusals, None) is None


def test_root_locked_out_is_taken_back_though_another_user_gets_in(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "admin_keys of nobody"
    stage["proxy"].root_shut = True
    with pytest.raises(Failed, match=r"permission denied \(only root@proxy gets in, which does not count") as caught:
        deploy(stage.deploying())
    assert ends(caught.value.report) == {"internal": End.AS_DESCRIBED, "proxy": End.BACK}
    assert generations(stage)["proxy"] == 1


def test_a_check_that_fails_takes_the_change_back_and_is_named_with_what_it_saw(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "Mailcow gets no packets"

    def answers(question: Question) -> Answer:
        broken = stage["proxy"].pending is not None and question[1] == str(stage.plan.internal.ipv4)
        return (False, "connection refused") if broken else (True, "220")

    stage["proxy"].answers = answers
    with pytest.raises(Failed, match=r"Mailcow through the tunnel \(proxy\): connection refused"):
        deploy(stage.deploying())
    assert stage["proxy"].calls[-2:] == ["back", "forget 2"]
    assert generations(stage)["proxy"] == 1


def test_what_did_not_answer_before_is_told_and_not_demanded(stage: Stage) -> None:
    stage.packages.digests["internal"] = "other"
    stage["proxy"].answers = lambda _question: (False, "no answer for 8 seconds")
    report = deploy(stage.deploying())
    told = [seen for seen in report.machines[0].checks if not seen.ok]
    assert ends(report)["internal"] is End.CONFIRMED
    assert [(seen.what, seen.demanded) for seen in told] == [
        ("Mailcow through the tunnel (proxy)", False),
        ("Mailcow through the tunnel, by IPv6 (proxy)", False),
    ]


def test_a_resolver_that_answers_no_more_takes_the_change_back(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    stage["proxy"].answers = lambda question: (question[0] != "name" or not stage["proxy"].pending, "192.0.2.53 fails")
    with pytest.raises(Failed, match=r"names are looked up \(proxy\): 192.0.2.53 fails"):
        deploy(stage.deploying())
    assert generations(stage) == {"proxy": 1, "internal": 1}


def test_a_machine_that_is_taken_over_may_have_another_resolver_that_takes_its_time(plain: Stage) -> None:
    plain["proxy"].answers = lambda question: (question[0] != "name" or not plain["proxy"].pending, "")
    assert ends(deploy(plain.deploying())) == {"internal": End.CONFIRMED, "proxy": End.CONFIRMED}


def test_a_broken_unit_is_the_machines_own_to_take_back(stage: Stage) -> None:
    stage.packages.digests |= {"internal": "broken", "proxy": "other"}
    stage["internal"].fails = "mailcow-bans.service failed"
    with pytest.raises(Failed, match=r"mailcow-bans\.service failed") as caught:
        deploy(stage.deploying())
    assert ends(caught.value.report) == {"internal": End.BACK, "proxy": End.UNTOUCHED}
    assert stage.calls("switch") == ["internal"]
    assert stage.calls("forget") == ["proxy", "internal"]  # what came to them came for nothing


def test_what_came_to_one_machine_goes_where_another_takes_none(stage: Stage) -> None:
    stage.packages.digests |= {"internal": "other", "proxy": "other"}
    last = stage.deploying().order[-1]
    stage[last].lost = {"receive"}
    with pytest.raises(Unreached):
        deploy(stage.deploying())
    assert stage.calls("forget") == [host for host in stage.machines if host != last]


def test_a_connection_that_breaks_while_it_is_installed_changes_nothing(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    stage["proxy"].lost = {"switch"}
    assert ends(deploy(stage.deploying()))["proxy"] is End.CONFIRMED


@pytest.mark.parametrize("verb", ["status", "receive", "probe"])
def test_a_connection_that_breaks_before_leaves_all_as_it_was(stage: Stage, verb: str) -> None:
    stage.packages.digests["proxy"] = "other"
    stage["proxy"].lost = {verb}
    with pytest.raises(Unreached):
        deploy(stage.deploying())
    assert generations(stage)["proxy"] == 1
    assert stage.calls("switch") == []


def test_a_confirmation_whose_answer_is_lost_is_asked_for_again(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    stage["proxy"].lost = {"confirm"}
    assert ends(deploy(stage.deploying()))["proxy"] is End.CONFIRMED


def test_a_machine_that_was_confirmed_and_then_away_for_long_is_not_called_back(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    proxy, away_until = stage["proxy"], [0.0]

    def away(verb: str) -> None:
        if verb == "confirm 2" and proxy.pending:
            proxy.lost, away_until[0] = {"confirm"}, stage.clock.now() + 400
        elif stage.clock.now() < away_until[0]:
            raise Unreached("root@proxy is not reached: connection timed out")

    proxy.on_call = away
    report = deploy(stage.deploying())
    assert [(each.host, each.end, each.after) for each in report.machines][1:] == [("proxy", End.CONFIRMED, 2)]
    assert generations(stage)["proxy"] == 2


def test_a_machine_that_never_heard_that_it_shall_switch_is_told_again(stage: Stage) -> None:
    """A busy one may not even answer a new connection in time, as a deploy to emulated machines met it."""
    stage.packages.digests["proxy"] = "other"
    deaf = ["switch 2"]

    def no_answer(verb: str) -> None:
        if verb in deaf:
            deaf.remove(verb)
            raise Unreached("root@proxy is not reached: connection timed out during banner exchange")

    stage["proxy"].on_call = no_answer
    assert ends(deploy(stage.deploying()))["proxy"] is End.CONFIRMED
    assert stage["proxy"].calls.count("switch 2") == 2


def test_a_machine_whose_power_was_cut_is_back_on_the_generation_before(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"

    def cut(verb: str) -> None:
        if verb == "look" and stage["proxy"].pending:
            stage["proxy"]._undo("it was not confirmed before the machine started again")
            stage["proxy"].lost = {"status"}
            raise Unreached("root@proxy is not reached: connection reset")

    stage["proxy"].on_call = cut
    with pytest.raises(Failed, match="went back by itself: it was not confirmed before"):
        deploy(stage.deploying())
    assert generations(stage)["proxy"] == 1


@pytest.mark.parametrize("asleep_in", ["status", "confirm 2"])
def test_who_closes_the_lid_while_it_waits_finds_it_taken_back(stage: Stage, asleep_in: str) -> None:
    """The client's clock stands still meanwhile (clock_gettime(2), CLOCK_MONOTONIC), and no connection is left."""
    stage.packages.digests["proxy"] = "other"

    def sleeps(verb: str) -> None:
        if verb == asleep_in and stage["proxy"].pending:
            stage["proxy"]._undo("nobody confirmed it in time")
            raise Unreached("root@proxy is not reached: broken pipe")

    stage["proxy"].on_call = sleeps
    with pytest.raises(Failed, match="nobody confirmed it in time; proxy runs generation 1") as caught:
        deploy(stage.deploying())
    assert ends(caught.value.report) == {"internal": End.AS_DESCRIBED, "proxy": End.BACK}


def test_whoever_interrupts_learns_what_the_machines_do(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"

    def interrupt(verb: str) -> None:
        if verb == "look" and stage["proxy"].pending:
            raise KeyboardInterrupt

    stage["proxy"].on_call = interrupt
    with pytest.raises(KeyboardInterrupt):
        deploy(stage.deploying())
    (told,) = [line for line in stage.heard if "nobody confirms" in line]
    assert "goes back to generation 1 by itself, at" in told
    assert told.endswith("sooner: mailnix rollback mail.py proxy")


def test_and_so_does_who_has_no_patience_while_it_is_taken_back(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"
    stage["proxy"].locks_out = True

    def impatient() -> None:
        if any("waiting for that" in line for line in stage.heard):
            raise KeyboardInterrupt

    stage.clock.on_sleep = impatient
    with pytest.raises(KeyboardInterrupt):
        deploy(stage.deploying())
    assert "nobody confirms generation 2 now" in stage.heard[-1]


def test_a_second_deploy_learns_who_was_first_and_until_when(stage: Stage) -> None:
    stage["proxy"].kept[2] = evolve(stage["proxy"].kept[1], generation=2, by="alice@laptop")
    stage["proxy"].pending, stage["proxy"].due = Pending("x", 2, 95, "installed"), stage.clock.now() + 97
    with pytest.raises(
        Busy, match=r"proxy waits for the confirmation of generation 2, which alice@laptop brought"
    ) as e:
        deploy(stage.deploying())
    assert "by itself at 1" in e.value.message
    assert "in 95 seconds" in e.value.message
    assert "mailnix rollback mail.py proxy" in e.value.hint


def test_or_that_it_is_being_installed_just_now(stage: Stage) -> None:
    stage["proxy"].pending, stage["proxy"].due = Pending("x", 2, 1200, "installing"), stage.clock.now() + 1200
    with pytest.raises(Busy, match="proxy is just being switched to generation 2"):
        deploy(stage.deploying())


def test_who_interrupts_an_installation_learns_that_it_has_its_time_first(stage: Stage) -> None:
    stage.packages.digests["proxy"] = "other"

    def interrupt(verb: str) -> None:
        if verb.startswith("switch") and stage["proxy"].current == 1:
            raise KeyboardInterrupt

    stage["proxy"].on_call = interrupt
    with pytest.raises(KeyboardInterrupt):
        deploy(stage.deploying())
    assert "by itself, 180 seconds after it is installed; sooner:" in stage.heard[-1]


def test_another_machine_is_not_taken_for_this_one(stage: Stage) -> None:
    stage.machines["proxy"].kept = stage.machines["internal"].kept
    with pytest.raises(DeployError, match="root@proxy is internal, not proxy"):
        deploy(stage.deploying())


def test_the_records_that_changed_come_last(stage: Stage) -> None:
    stage.plan = derive(sound(hostname="mx.example.org"))
    stage.packages.digests |= {"internal": "other", "proxy": "other"}
    report = deploy(stage.deploying())
    assert any(line.startswith("mx.example.org. A ") for line in report.publish)
    assert any(line.startswith("mail.example.org. A ") for line in report.remove)


def test_the_world_is_told_of_no_record_of_what_was_taken_back(stage: Stage) -> None:
    stage.plan = derive(sound(hostname="mx.example.org"))
    stage.packages.digests |= {"internal": "other", "proxy": "other"}
    stage["proxy"].fails = "caddy.service failed"
    with pytest.raises(Failed) as caught:
        deploy(stage.deploying())
    assert (caught.value.report.publish, caught.value.report.remove) == ((), ())


class TestADomainThatHomeDoesNotHaveYet:
    """Mail for it would be refused at home, after the proxy took it."""

    @pytest.fixture
    def more(self, stage: Stage) -> Stage:
        topology = sound()
        stage.plan = derive(evolve(topology, domains=(*topology.domains, Domain("example.net", [Mailbox("carol")]))))
        stage.packages.digests |= {"proxy": "one more", "internal": "one more"}
        return stage

    def test_does_not_come_to_a_proxy_alone(self, more: Stage) -> None:
        with pytest.raises(DeployError, match=r"proxy would take mail for example\.net") as caught:
            deploy(more.deploying("proxy"))
        assert "mailnix deploy mail.py internal proxy" in caught.value.hint
        assert generations(more) == {"proxy": 1, "internal": 1}

    def test_comes_to_home_alone_and_then_to_the_proxy(self, more: Stage) -> None:
        deploy(more.deploying("internal"))
        deploy(more.deploying("proxy"))
        assert generations(more) == {"proxy": 2, "internal": 2}

    def test_does_not_go_from_home_alone(self, more: Stage) -> None:
        deploy(more.deploying())
        with pytest.raises(DeployError, match=r"proxy would take mail for example\.net"):
            rollback(more.deploying(), "internal", None)
        rollback(more.deploying(), "proxy", None)
        rollback(more.deploying(), "internal", None)
        assert generations(more) == {"proxy": 1, "internal": 1}


def test_a_tree_of_mailcow_that_was_given_does_not_go_by_being_forgotten(stage: Stage) -> None:
    home = stage["internal"]
    home.kept[1] = evolve(home.kept[1], debs={"mailnix-mailcow_1_all.deb": "x"})
    home.found, stage.may_take_over = evolve(home.found, image=True, host="internal"), False
    stage.packages.digests["internal"] = "the pinned one"
    deploy(stage.deploying("internal", dry_run=True))
    with pytest.raises(DeployError, match="none is given now") as caught:
        deploy(stage.deploying("internal"))
    assert "--mailcow-source DIR" in caught.value.hint
    assert "switch 2" not in home.calls
    stage.may_take_over = True
    assert ends(deploy(stage.deploying("internal")))["internal"] is End.CONFIRMED
