"""How people run it: the command line, the pytest plugin, the Python face; and where a cluster is put together."""
