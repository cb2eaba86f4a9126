"""Judges: an answer and the plan in, verdicts out. Nothing here asks anybody anything."""
