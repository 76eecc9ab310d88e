"""Placeholder."""

from __future__ import annotations
from attrs import frozen

@frozen
class Quantity:
    text: str = "0"
