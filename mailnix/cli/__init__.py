"""The command line: one file per verb; a MailnixError becomes one clear line here, and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from mailnix.cli import output, signals
from mailnix.cli.meant import mistaken
from mailnix.cli.verbs import mailnix
from mailnix.errors import MailnixError

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status: 0, 1 for a failure, 2 for wrong usage; of verbs
    that look at something (examining.py), what they say of it.
    """
    try:
        with signals.heeded():
            status = mailnix.main(args=argv, prog_name="mailnix", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = mistaken(mailnix, sys.argv[1:] if argv is None else argv)
        return error.exit_code if status is None else status
    except (KeyboardInterrupt, click.Abort):
        output.status("mailnix: interrupted")
        return INTERRUPTED
    except signals.Ended as ended:
        output.status(f"mailnix: ended by {ended.name}")
        return ended.status
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MailnixError, OSError) as error:
        output.failure(output.as_failure(error))
        return 1
    return status if isinstance(status, int) else 0
