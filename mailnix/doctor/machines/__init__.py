"""What is asked on the machines themselves, one session each, and how the answers are judged."""
