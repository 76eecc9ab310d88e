"""What real controllers wrote in recorded runs, held against what ours ask for: `kubeproof validate` on a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from kubeproof.harness.validate.followed import follow
from kubeproof.harness.validate.history import read
from kubeproof.harness.validate.writers.registry import WRITERS
from kubeproof.impl.api.core import Node
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.sources import Text
from kubeproof.impl.api.releases import RELEASES

from .difference import Difference

NODES = tuple(Node(ObjectMeta(name=f"node-{number}", uid=f"node-{number}")) for number in range(3))
"""What was there from the start of every run and is not among its events."""


def judge(record: Mapping[str, Any]) -> Difference | None:
    """Return the first difference of a recorded run, None where there is none."""
    history = read([Text(record["scenario"], json.dumps(record))])
    found = follow(evolve(history, start=NODES), WRITERS, RELEASES[history.release])
    return next((Difference(one.place, one.what, "; ".join(one.nearest)) for one in found.unasked), None)


def is_judged(record: Mapping[str, Any]) -> bool:
    """Tell whether a controller whose writes are judged has written anything."""
    history = read([Text(record["scenario"], json.dumps(record))])
    return bool(follow(evolve(history, start=NODES), WRITERS, RELEASES[history.release]).judged)
