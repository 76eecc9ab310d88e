"""What Pods share: namespaces, quotas, volumes."""
