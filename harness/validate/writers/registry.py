"""The controllers whose writes are judged. Those of others are counted, and nothing is said of them."""

from __future__ import annotations

from .deployments import DEPLOYMENTS, REPLICASETS
from .endpoints import ENDPOINTSLICES
from .garbage import GARBAGE
from .jobs import CRONJOBS, JOBS
from .sets import DAEMONSETS, STATEFULSETS
from .ttl import TTL

WRITERS = (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS, JOBS, CRONJOBS, ENDPOINTSLICES, GARBAGE, TTL)
