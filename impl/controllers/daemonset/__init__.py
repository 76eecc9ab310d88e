"""The DaemonSet controller: a Pod on every node that it may run on, and the templates it rolls between."""
