"""The SSH call that hands credentials over, and what its failures mean for whoever typed the command."""

from __future__ import annotations

from mailnix.errors import CommandFailed, SecretsError
from mailnix.services.credentials.names import RECEIVE, SCRIPTS
from mailnix.ssh import NO_SUCH_PROGRAM, SSH_FAILED, Way, argv, failure, last_line


def push_argv(way: Way) -> tuple[str, ...]:
    """The ssh call that runs the receiver on the machine; a target that looks like an option is refused."""
    if not way.is_target:
        raise SecretsError(f"{way.target!r} is no SSH target", "write root@ADDRESS")
    return argv(way, f"PATH={SCRIPTS}:$PATH {RECEIVE}")


def explain(error: CommandFailed, host: str, way: Way) -> SecretsError:
    """One line about why a machine did not take its credentials, and the next step."""
    if error.status == NO_SUCH_PROGRAM:
        return SecretsError(f"{way} runs no image of mailnix: it has no {RECEIVE}", "see: mailnix build --help")
    if error.status not in (None, SSH_FAILED):
        # The receiver's own words, which name the credential and the machine.
        said = last_line(error.last_lines).removeprefix("mailnix: ") or f"status {error.status}"
        return SecretsError(f"{way} did not take the credentials of {host}: {said}", f"is it {host}?")
    found = failure(error, host, way)
    return SecretsError(found.message, found.hint)
