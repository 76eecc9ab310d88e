"""What is proved of clients of several API servers, in small worlds, by going through all that can happen in them."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve
from immutabledict import immutabledict

from ...impl.apiserver.cacher.watch_cache import CacheSettings
from ...model.checker import explore
from ..consensus.proofs import answer
from ..proof import Answer, Proof
from .claims import claims, never_back
from .world import Ways, world

SMALL = Ways(writes=1)
WHOLE = Ways()
ONE = Ways(servers=1)
TWO_OBJECTS = Ways(servers=1, names=("a", "b"), cache=CacheSettings(capacity=2), writes=3, compactions=0)


def any_age(ways: Ways) -> Answer:
    """Go through a world whose clients begin with a list of any age, as Kubernetes' do."""
    return answer(explore(world(ways), claims(ways)))


def recent(ways: Ways) -> Answer:
    """Go through the same where the first list, too, is of the most recent."""
    return answer(explore(world(evolve(ways, consistent_start=True)), (*claims(ways), never_back())))


def alone(ways: Ways) -> Answer:
    """Go through the same with one server: not even a first list of any age goes back."""
    return answer(explore(world(ways), (*claims(ways), never_back())))


ALL = "A client misses no change, has what there was at its version, goes back by a first list only, and catches up."
LONE = "The same of one API server, whose client never goes back, also when it restarts: consistency session."
FORWARD = "The same, and a client that begins with a consistent list never goes back, also when it restarts."


def _proof(claim: str, ways: Ways, run: Callable[[Ways], Answer]) -> Proof:
    names = len(ways.names)
    sizes = f"servers {ways.servers}, objects {names}, writes {ways.writes}, rings of {ways.cache.capacity}, "
    sizes += f"compactions {ways.compactions}, and 1 each: restart of a server, of the client, connection lost"
    return Proof(claim, sizes, "every way, by the checker", lambda: run(ways))


PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "any-age-1": _proof(ALL, SMALL, any_age),
        "any-age-2": _proof(ALL, WHOLE, any_age),
        "any-age-two-objects": _proof(ALL, TWO_OBJECTS, any_age),
        "one-server": _proof(LONE, ONE, alone),
        "consistent-1": _proof(FORWARD, SMALL, recent),
        "consistent-2": _proof(FORWARD, WHOLE, recent),
    }
)
QUICK = ("any-age-1", "one-server", "consistent-1")
"""Those that take a few seconds."""
