"""kubeproof: what Kubernetes promises, and a search for the run that breaks it.

    from kubeproof import Cluster, Faults, check, set_image

    result = check(Cluster.from_manifests("web.yaml", nodes=3), script=[set_image("web", "nginx:1.29")])
    assert result.holds, result.trace

The names are fetched when they are first used: importing kubeproof alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .harness.face import Cluster as Cluster
    from .harness.face import Result as Result
    from .harness.face import check as check
    from .harness.face import cordon as cordon
    from .harness.face import delete_pod as delete_pod
    from .harness.face import drain as drain
    from .harness.face import scale as scale
    from .harness.face import set_image as set_image
    from .harness.input.scenario import Faults as Faults
    from .impl.api.reading.load import BadInput as BadInput
    from .model.checker.results import Limits as Limits

_HOMES = {
    "BadInput": "impl.api.reading.load",
    "Cluster": "harness.face",
    "Faults": "harness.input.scenario",
    "Limits": "model.checker.results",
    "Result": "harness.face",
    "check": "harness.face",
    "cordon": "harness.face",
    "delete_pod": "harness.face",
    "drain": "harness.face",
    "scale": "harness.face",
    "set_image": "harness.face",
}
"""Where each name of the Python face lives."""

__all__ = [
    "BadInput",
    "Cluster",
    "Faults",
    "Limits",
    "Result",
    "check",
    "cordon",
    "delete_pod",
    "drain",
    "scale",
    "set_image",
]


def __getattr__(name: str) -> Any:
    """Fetch a name of the Python face."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    """List the Python face with what is there already."""
    return sorted({*globals(), *_HOMES})
