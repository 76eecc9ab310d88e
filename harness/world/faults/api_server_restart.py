"""The API server restarts and has not sent all: only the scheduling queue (`check.detail`) knows single events.

Elsewhere a process sees what there is, however late, which a new list does as well.
"""

from __future__ import annotations

from .fault import Fault

FAULT = Fault("restart of the API server")
