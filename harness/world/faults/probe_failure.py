"""A readiness probe fails as often as its threshold says, while the program runs on; in the end it succeeds again.

What a liveness probe does when it fails is a container that is restarted (`container_crash`). A Pod without a readiness
probe, of which nobody is asked whether it is ready, is not struck.
"""

from __future__ import annotations

from ....impl.kubelet.runtime import probe_failed
from ....model.world.verbs import Verb
from .fault import Fault, of_pods

TOLD = "the readiness probe of {} fails"
FAULT = Fault("readiness probe failure", of_pods("probe_failure", Verb.PROBE_FAILS, probe_failed, TOLD))
