"""The implementations as components of one world, and the states it starts from."""
