"""e2e.*: a mail goes out, one comes in, and what receivers wrote into them is judged."""
