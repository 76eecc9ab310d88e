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
    from .harness.own.asking import AlreadyExists as AlreadyExists
    from .harness.own.asking import ApiError as ApiError
    from .harness.own.asking import Conflict as Conflict
    from .harness.own.asking import NotFound as NotFound
    from .harness.own.asking import create as create
    from .harness.own.asking import delete as delete
    from .harness.own.asking import owned_by as owned_by
    from .harness.own.asking import patch as patch
    from .harness.own.asking import read as read
    from .harness.own.asking import update as update
    from .harness.own.asking import update_status as update_status
    from .harness.own.controllers import controller as controller
    from .harness.own.kinds import custom_resource as custom_resource
    from .harness.own.properties import always as always
    from .harness.own.properties import eventually as eventually
    from .harness.own.properties import leads_to as leads_to
    from .harness.own.properties import never as never
    from .harness.own.properties import step as step
    from .harness.strategies import objects as strategies
    from .impl.api.reading.load import BadInput as BadInput
    from .model.checker.results import Limits as Limits

_HOMES = {
    "AlreadyExists": "harness.own.asking",
    "ApiError": "harness.own.asking",
    "BadInput": "impl.api.reading.load",
    "Cluster": "harness.face",
    "Conflict": "harness.own.asking",
    "Faults": "harness.input.scenario",
    "Limits": "model.checker.results",
    "NotFound": "harness.own.asking",
    "Result": "harness.face",
    "always": "harness.own.properties",
    "check": "harness.face",
    "controller": "harness.own.controllers",
    "cordon": "harness.face",
    "create": "harness.own.asking",
    "custom_resource": "harness.own.kinds",
    "delete": "harness.own.asking",
    "delete_pod": "harness.face",
    "drain": "harness.face",
    "eventually": "harness.own.properties",
    "leads_to": "harness.own.properties",
    "never": "harness.own.properties",
    "owned_by": "harness.own.asking",
    "patch": "harness.own.asking",
    "read": "harness.own.asking",
    "scale": "harness.face",
    "set_image": "harness.face",
    "step": "harness.own.properties",
    "update": "harness.own.asking",
    "update_status": "harness.own.asking",
}
"""Where each name of the Python face lives."""
_MODULES = {"strategies": "harness.strategies.objects"}
"""The modules of the face, by their names there."""
_NAMESAKES = {"kopf": "harness.own.kopf"}
"""Modules that are called like the package they are for: whoever imports all names keeps the package."""

__all__ = [
    "AlreadyExists",
    "ApiError",
    "BadInput",
    "Cluster",
    "Conflict",
    "Faults",
    "Limits",
    "NotFound",
    "Result",
    "always",
    "check",
    "controller",
    "cordon",
    "create",
    "custom_resource",
    "delete",
    "delete_pod",
    "drain",
    "eventually",
    "leads_to",
    "never",
    "owned_by",
    "patch",
    "read",
    "scale",
    "set_image",
    "step",
    "strategies",
    "update",
    "update_status",
]


def __getattr__(name: str) -> Any:
    """Fetch a name of the Python face."""
    if name in _MODULES or name in _NAMESAKES:
        try:
            return import_module(f".{(_MODULES | _NAMESAKES)[name]}", __name__)
        except ModuleNotFoundError as error:
            raise ImportError(f"this needs more: pip install 'kubeproof[{name}]' ({error.name} is missing)") from None
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    """List the Python face with what is there already."""
    return sorted({*globals(), *_HOMES, *_MODULES})
