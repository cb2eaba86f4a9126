"""What strangers, broken neighbours and bad days try: each case with the right answer and where that is written."""
