"""How long the components of a world wait for what: a file for each component that waits."""
