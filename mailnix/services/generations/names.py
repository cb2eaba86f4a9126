"""What the making side and a machine's program of generations call things."""

from __future__ import annotations

from typing import Final

from mailnix.services.haraka import npm_tree

PACKAGE: Final = "mailnix-generations"
PROGRAM: Final = "/usr/lib/mailnix-generations/generations"
STATE: Final = "/var/lib/mailnix/generations"
RUN: Final = "/run/mailnix-generations"
"""Where NixOS keeps what waits, so that a power cut forgets it: mailnix/deploy/nixos/guest says it, too."""

CHANGES: Final = f"{STATE}/state.json"
"""What runs, which change is under way, how the last one ended."""

KEEPER: Final = "mailnix-generations-keeper.service"
BOOT: Final = "mailnix-generations.service"
MADE: Final = "made.json"
"""What a generation was made of, when, by whom; in its folder, and in the archive in which it travels."""

CREDENTIALS: Final = "credentials"
"""The folder of those that come with it, likewise."""

MAINTAINER: Final = "mailnix <root@localhost>"
"""Of our packages."""

MAILCOW: Final = "mailnix-mailcow"
"""What the package is called that brings a tree of Mailcow that is given to its machine."""
SHARED: Final = (npm_tree.PACKAGE, MAILCOW)
"""Packages of ours beside a generation's own: what they are of belongs to no machine."""
