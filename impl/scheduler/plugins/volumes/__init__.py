"""The plugins of the scheduler that look at volumes: where one is, who else uses it, and how many a node holds."""
