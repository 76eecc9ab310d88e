"""Which states of a world stand for others, and what need not be told apart."""
