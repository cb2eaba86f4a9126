"""Programs that run on both machines: the standard library and themselves only."""
