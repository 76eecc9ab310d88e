"""The descheduler in a world: it looks at the cluster as it is, and sends the evictions of one look side by side."""

from __future__ import annotations

from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.descheduler import descheduler
from ....impl.descheduler.policy import Policy
from ....model.world.turn import together
from ....model.world.world import Alternatives, Form, Process, Watch

USER = "descheduler"
KEY = Ref("Descheduler", "", "all")


def process(policy: Policy, pools: dict[str, tuple[str, ...]], constants: tuple[Object, ...]) -> Process:
    """Make the descheduler's process. What it has listed is what it evicts from: the turn remembers it."""
    kept = (_kept("", obj) for obj in constants if ref_of(obj).kind in descheduler.TRANSFORM)
    return Process(
        name=USER,
        group=USER,
        user=USER,
        key=KEY,
        watches=tuple(Watch(kind, pools[kind], _kept) for kind in ("Node", "Pod") if kind in pools),
        constants=tuple(obj for obj in kept if obj is not None),
        act=partial(_act, policy),
        form=Form.CURRENT,
    )


def _kept(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else descheduler.TRANSFORM[ref_of(obj).kind](obj)


def _act(policy: Policy, cache: Cache, _key: Ref) -> Alternatives:
    return tuple(map(together, descheduler.looks(cache, policy)))
