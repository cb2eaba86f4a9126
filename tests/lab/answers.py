"""What a proxy that runs says to somebody on the internet."""

from __future__ import annotations

from typing import Any

from mailnix.lab.scenario import Scene
from mailnix.model import ports


def answer_to(scene: Scene, recipient: str) -> dict[str, Any]:
    """What the proxy says to mail for somebody; code 0 while it does not answer."""
    lines = ["EHLO cafe.elsewhere.test", "MAIL FROM:<>", f"RCPT TO:<{recipient}>"]
    host = scene.proxy.hostname
    answer = scene.probe("smtp", scene.layout.client.ipv4, host=host, port=ports.SMTP, line=lines)
    replies: list[dict[str, Any]] = answer.get("replies") or [{"code": 0, "text": answer.get("error", "")}]
    return replies[-1]
