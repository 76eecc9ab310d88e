"""Decision trees: what a pure function reads decides what it answers, so it is asked once."""
