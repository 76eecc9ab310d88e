"""The world of connections: proxies, conntrack, load balancers and a clock, for one Service."""
