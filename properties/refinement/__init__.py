"""How each implementation is seen as its model, and the obligation of every step."""
