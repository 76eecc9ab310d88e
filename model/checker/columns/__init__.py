"""States as columns of integers, all of a level at once."""
