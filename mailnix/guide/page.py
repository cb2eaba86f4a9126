"""The page as one HTML file that needs nothing else: no network, no script, no colour."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mailnix import __version__
from mailnix.doctor.values import Answer, Finding
from mailnix.guide import commands, mailboxes, ordering, picture, records, states, troubles
from mailnix.model import ports
from mailnix.model.names import to_unicode
from mailnix.plan import Plan, SecretKind
from mailnix.zones.providers import Provider

GENERATOR: Final = "mailnix guide"
"""Says in the file itself whose it is, so that no other is overwritten."""
_MARK: Final = f'<meta name="generator" content="{GENERATOR}'
_HEAD: Final = 2000  # characters in which the mark is looked for


def is_guide(text: str) -> bool:
    """Whether a file's text is a page that was made here."""
    return _MARK in text[:_HEAD]


def guide(
    plan: Plan,
    config: str,
    *,
    findings: Iterable[Finding] | None = None,
    secrets: str = "",
    where: Provider = records.USUAL,
) -> str:
    """The page for a plan. `config` is what commands call the description, `secrets` its folder if it is not the usual.

    `findings` are doctor's, None where it has not run; `where` is the page that records are typed into. Nothing secret
    is in a plan, and so none in the page.
    """
    found = None if findings is None else tuple(findings)
    said = commands.words(config, secrets)
    values = _whole(plan) | _steps(said, plan) | _published(plan, found or (), where) | _seen(found)
    return _environment().get_template("page.html.j2").render(values)


def _whole(plan: Plan) -> dict[str, object]:
    """What the page is about, and what it looks like."""
    style, script = _text("style.css"), _text("script.js")
    return {
        "generator": f"{GENERATOR} {__version__}",
        "policy": _policy(style, script),
        "style": Markup(style),
        "script": Markup(script),
        "shown": to_unicode(plan.topology.hostname),
        "plan": plan,
        "picture": picture.picture(plan),
        "programs": mailboxes.programs(plan),
        "most_codes": mailboxes.MOST_CODES,
        "passwords": _passwords(plan),
    }


def _steps(said: commands.Words, plan: Plan) -> dict[str, object]:
    """What there is to do."""
    return {
        "smtp": ports.SMTP,
        "orders": ordering.orders(plan),
        "home": ordering.home_gates(plan),
        "first": commands.first(said, plan),
        "servers": commands.onto_servers(said, plan),
        "images": commands.as_images(said, plan),
        "last": commands.last(said, plan),
        "logins": plan.logins,
        "troubles": tuple(troubles.troubles(said, plan)),
    }


def _published(plan: Plan, findings: tuple[Finding, ...], where: Provider) -> dict[str, object]:
    """The records, and how they are typed."""
    return {
        "where": where,
        "zones": records.zones(plan, findings, where),
        "elsewhere": records.elsewhere(plan, findings, where),
    }


def _seen(findings: tuple[Finding, ...] | None) -> dict[str, object]:
    """What doctor found, if it was asked."""
    return {
        "asked": findings is not None,
        "to_do": states.to_do(findings or ()),
        "well": sum(each.answer is Answer.WELL for each in findings or ()),
    }


def _passwords(plan: Plan) -> str:
    """Where the first passwords are, in the secrets folder."""
    return next(f"{c.host}/{c.name}" for c in plan.credentials if c.kind is SecretKind.MAILBOX_BUNDLE)


def _policy(style: str, script: str) -> str:
    """A content security policy: the browser itself fetches nothing, and runs no other script."""
    ours = f"style-src {_hash(style)}; script-src {_hash(script)}"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return (files("mailnix.guide") / "templates" / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mailnix.guide"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
