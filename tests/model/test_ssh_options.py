"""Options before a key: sshd passes over the whole key for one that it does not understand, so each is read as it does.

What is right was tried with sshd itself (OpenSSH 9.2): a login with a key and each of these before it.
"""

from __future__ import annotations

import pytest

from mailnix.model.ssh_options import fault

WRONG = {
    "no-ptty": "knows no such option",
    'no-pty="yes"': "takes no value",
    "command": "without a value in double quotes",
    "command=uptime": "without a value in double quotes",
    "from=192.0.2.1": "without a value in double quotes",
    'command="a"no-pty': "without a value in double quotes",
    'command="a",command="b"': "command twice",
    'from="192.0.2.1",from="192.0.2.2"': "from twice",
    'principals="root"': "no cert-authority",
    'environment="HOME"': "no value for environment",
    'environment="A-B=c"': "no value for environment",
    'expiry-time="2030-01-01"': "no value for expiry-time",
    'expiry-time="203001012500"': "no value for expiry-time",
    'expiry-time=""': "no value for expiry-time",
    'permitopen="10.83.119.2"': "no value for permitopen",
    'permitopen="10.83.119.2:65536"': "no value for permitopen",
    'permitopen="10.83.119.2:0"': "no value for permitopen",
    'permitopen="::1:22"': "no value for permitopen",
    'tunnel="tun0"': "no value for tunnel",
}


@pytest.mark.parametrize(("options", "said"), WRONG.items(), ids=WRONG)
def test_what_makes_sshd_pass_over_a_key_is_named(options: str, said: str) -> None:
    wrong = fault(options)
    assert wrong is not None
    assert said in wrong.message
    assert wrong.hint


@pytest.mark.parametrize(
    "options",
    [
        "",
        "no-pty",
        "RESTRICT,pty",
        "touch-required,no-verify-required",
        "pty,,no-pty",
        'command=""',
        r'command="echo \"a b\", c"',
        r'command="a \ b"',
        'from="192.0.2.0/24,!192.0.2.1,*.example.org"',
        'environment="A=b",environment="C=d"',
        'expiry-time="20300101"',
        'expiry-time="20300101010159Z"',
        'permitopen="10.83.119.2:22",permitopen="[fd00::1]:*"',
        'permitlisten="8080",permitlisten="localhost:22"',
        'tunnel="any"',
        'cert-authority,principals="root,me"',
    ],
)
def test_what_it_understands_is_taken(options: str) -> None:
    assert fault(options) is None
