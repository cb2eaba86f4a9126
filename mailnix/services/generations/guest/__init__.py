"""The program of a Debian machine's generations: the standard library and itself only."""
