"""The world of connections: proxies, conntrack and load balancers, for one Service."""
