"""What a verdict takes for granted of the input: what is missing, not modelled or not looked at."""
