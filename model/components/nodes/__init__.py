"""What runs on nodes, and what becomes of it in trouble: kubelets, and the controllers that look at nodes."""
