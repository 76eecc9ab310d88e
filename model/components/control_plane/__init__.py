"""Where what is wanted is kept and asked for: the API server, etcd and its members, watch caches, kubectl."""
