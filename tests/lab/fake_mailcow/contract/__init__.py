"""What Mailcow's API answers, and what the fake one must: the same questions to both.

`cases.py` has the questions, `mailcow.json` what Mailcow's own code answered (written by `python -m
tests.real.asked`), `exceptions.toml` where the fake one may differ, each with its reason.
"""
