"""The program that activates a generation, for a machine that has Python and no mailnix."""
