"""What is run on a machine to see whether mail still finds its way; it is sent each time, and stays nowhere."""
