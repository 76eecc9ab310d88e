"""Controllers in a world: what each watches, how it decides, whose writes it sees."""
