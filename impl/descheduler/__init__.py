"""The descheduler: which running Pods would better be elsewhere, and are evicted."""
