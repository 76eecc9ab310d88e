"""A container exits and is restarted, or has ended where nothing is restarted."""

from __future__ import annotations

from ....impl.kubelet.runtime import crash
from ....model.world.verbs import Verb
from .fault import Fault, of_pods

FAULT = Fault("container crash", of_pods("container_crash", Verb.CONTAINER_CRASHES, crash, "a container of {} exits"))
