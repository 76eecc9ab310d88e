"""Who is reached: endpoints, kube-proxies, connections, and the walls of policies."""
