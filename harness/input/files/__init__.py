"""From files and options to values, each mistake told with its place."""
