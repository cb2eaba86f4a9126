"""One plan, two systems: facts of booted machines, compared; each difference stands in a list with its reason."""
