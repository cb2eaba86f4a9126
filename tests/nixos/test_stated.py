"""Modes, units and paths in a built machine's files: those of the example's are what they shall be, and faults show."""

from __future__ import annotations

import pytest

from tests.nixos import golden, stated

SERVICE = "etc/systemd/system/haraka-in.service"
TEXTS = {
    SERVICE: "[Unit]\nAfter=haraka-in-tls.service\n[Service]\nUser=haraka-in\nStateDirectory=haraka-in\n"
    "StateDirectoryMode=0700\nReadWritePaths=/var/lib/haraka-in/queue -/run/other\n",
    "etc/systemd/system/haraka-in-tls.service": "[Service]\nUMask=0077\nRuntimeDirectory=haraka-in-tls more\n",
    "etc/systemd/system/getty@.service": "[Unit]\nAfter=nowhere.service\n",
    "etc/tmpfiles.d/10-ours.conf": "# ours\n'd' '/etc/credstore' '0700' 'root' 'root'\nL /etc/credstore/x - - - - y\n",
    "store/seed": 'umask 077\nfor file in *; do\n    install -D -m 0600 "$file" "$to"\ndone\n/bin/chmod 0644 a\n',
    "store/of-others": "chmod 777 /etc/credstore\n",
}


def with_(path: str, old: str, new: str) -> dict[str, str]:
    """The texts, one of them changed."""
    assert old in TEXTS[path]
    return {**TEXTS, path: TEXTS[path].replace(old, new)}


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_state_and_credentials_have_the_modes_and_owners_that_they_shall_have(machine: str) -> None:
    assert stated.modes(stated.with_carried(golden.kept()[machine])) == stated.expected()[machine]


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_no_service_needs_a_folder_that_nothing_makes(machine: str) -> None:
    assert stated.paths_nowhere(golden.kept()[machine]) == []


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_no_unit_of_ours_names_one_that_is_nowhere(machine: str) -> None:
    assert stated.units_nowhere(golden.kept()[machine], stated.OF_SYSTEMD) == []


def test_modes_are_those_of_rules_services_and_scripts() -> None:
    assert stated.modes(TEXTS) == {
        "/etc/credstore": "0700 root:root",
        "/var/lib/haraka-in": "0700 haraka-in:haraka-in",
        "/run/haraka-in-tls": "0755 root:root",
        "/run/more": "0755 root:root",
        "haraka-in.service": "umask 0022",
        "haraka-in-tls.service": "umask 0077",
        "seed: umask": "077",
        'seed: -D "$file" "$to"': "0600",
        "seed: a": "0644",
    }


def test_a_script_of_this_tree_counts_where_a_unit_runs_it() -> None:
    assert stated.with_carried(TEXTS) == TEXTS
    texts = with_(
        SERVICE, "[Service]", "[Service]\nExecStart=/nix/store/bash/bin/bash /nix/store/haraka-certificate.sh a"
    )
    assert stated.modes(stated.with_carried(texts))['haraka-certificate.sh: "$new/key.pem"'] == "0640"


def test_a_rule_that_changes_what_another_made_shows() -> None:
    texts = {**TEXTS, "etc/tmpfiles.d/zz.conf": "z /etc/credstore 0755 - - -\n"}
    assert stated.modes(texts)["/etc/credstore"] == "0700 root:root, then 0755 -:-"


def test_a_drop_in_has_the_last_word() -> None:
    texts = {**TEXTS, f"{SERVICE}.d/own.conf": "[Service]\nStateDirectoryMode=0755\nUser=\n"}
    assert stated.modes(texts)["/var/lib/haraka-in"] == "0755 root:root"


def test_a_unit_that_is_not_there_is_named_whatever_it_is_for() -> None:
    assert stated.units_nowhere(TEXTS) == []
    assert stated.units_nowhere(with_(SERVICE, "-tls", "-tsl")) == ["haraka-in.service: After=haraka-in-tsl.service"]


def test_an_instance_is_there_where_its_template_is() -> None:
    texts = {**TEXTS, "etc/systemd/system/haraka-in-one@.service": "[Unit]\n"}
    said = texts[SERVICE].replace("-tls.service", "-one@7.service haraka-two@7.service")
    assert stated.units_nowhere({**texts, SERVICE: said}) == ["haraka-in.service: After=haraka-two@7.service"]


def test_units_of_others_modules_may_be_absent() -> None:
    assert stated.units_nowhere(with_(SERVICE, "haraka-in-tls", "sops-install-secrets")) == []


def test_a_path_that_nothing_makes_is_named() -> None:
    assert stated.paths_nowhere(TEXTS) == []
    assert stated.paths_nowhere(with_(SERVICE, "haraka-in/queue", "haraka-out/queue")) == [
        "haraka-in.service: ReadWritePaths=/var/lib/haraka-out/queue"
    ]
