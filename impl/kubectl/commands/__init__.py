"""The commands an environment script is made of, a class each: what it reads, changes and asks for."""
