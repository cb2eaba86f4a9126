"""Programs that run on the internal machine: the standard library and themselves only."""
