"""Where a recorded run and ours part."""

from __future__ import annotations

from attrs import frozen


@frozen
class Difference:
    """A write that ours does not ask for, or a rest at which it asks for something."""

    subject: str
    real: str
    ours: str
