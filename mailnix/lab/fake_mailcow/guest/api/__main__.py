"""Run the API: `python3 -m api`, with Mailcow's variables in the environment."""

import sys

from .server import main

sys.exit(main())
