"""From text to objects, and back: everything that is wrong with file, line and field."""
