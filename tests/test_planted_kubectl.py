"""Faults planted in kubectl, and the lockstep run that notices them."""

from __future__ import annotations
