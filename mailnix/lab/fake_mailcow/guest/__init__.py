"""Programs that run in the fake Mailcow's containers: the standard library and themselves only."""
