"""`python -m mailnix`: the command line where its script is not in PATH."""

from __future__ import annotations

import sys

from mailnix.cli import main

sys.exit(main())
