"""What the DaemonSet controller may do: a Pod on every node that wants one, none where none may stay, and its rollouts.

A turn sees what every node has. First each node gets what it needs: a Pod if it has none, and whoever failed, is one
too many or may not stay goes. Only a turn that finds nothing of that rolls Pods to the template, on some nodes,
whichever they are: without surge an old Pod goes, and its successor is a later turn's business; with surge a new Pod
comes beside the old one, which goes once the new one is ready. Leaves out: adoption, names of revisions,
minReadySeconds, back-off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import TypeVar

from attrs import evolve, field, frozen

T = TypeVar("T")


@frozen(order=True)
class Member:
    """One Pod: whether it is of the new template, is on its node already, is ready, is over, is on its way out."""

    new: bool = True
    placed: bool = False
    ready: bool = False
    over: bool = False
    going: bool = False


def _sorted(members: Sequence[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members))


@frozen
class Site:
    """A node: whether it wants a Pod, may keep one, exists at all, and what Pods are on it or for it."""

    wants: bool
    keeps: bool
    exists: bool = True
    members: tuple[Member, ...] = field(default=(), converter=_sorted)

    @property
    def staying(self) -> tuple[Member, ...]:
        """Those that are not on their way out."""
        return tuple(member for member in self.members if not member.going)

    def old(self) -> tuple[Member, ...]:
        """Those that stay and are of an old template."""
        return tuple(member for member in self.staying if not member.new)

    def fresh(self) -> tuple[Member, ...]:
        """Those that stay and are of the template."""
        return tuple(member for member in self.staying if member.new)

    def without(self, *gone: Member) -> Site:
        """Return the node once some are let go: who has no node yet, or is over, is as good as gone."""
        left = list(self.members)
        for member in gone:
            left.remove(member)
        return evolve(
            self, members=(*left, *(evolve(member, going=True) for member in gone if member.placed and not member.over))
        )

    def with_one_more(self) -> Site:
        """Return the node once a Pod is made for it."""
        return evolve(self, members=(*self.members, Member()))


def _there(sites: Sequence[Site]) -> tuple[Site, ...]:
    """Leave out what does not exist and has no Pods."""
    return tuple(site for site in sites if site.exists or site.members)


@frozen
class State:
    """All nodes; on how many there may be two Pods, on how many none that is ready, and whether Pods are replaced."""

    sites: tuple[Site, ...] = field(converter=_there)
    surge: int = 0
    unavailable: int = 1
    replaces: bool = True
    written: tuple[int, int, int] = (0, 0, 0)
    """How many nodes want a Pod, how many of these have one, and a ready one, as was last written down."""


def needs(site: Site, *, surges: bool) -> Iterator[Site]:
    """Yield what becomes of a node by itself; who of several stays is open, but one on the node comes first."""
    running = [member for member in site.staying if not member.over]
    over = [member for member in site.staying if member.over]
    if not site.exists:
        yield site.without(*(member for member in site.staying if not member.placed))
    elif site.wants and not site.members:
        yield site.with_one_more()
    elif not site.keeps:
        yield site.without(*site.staying)
    elif surges and site.wants and not running:
        yield site.without(*over).with_one_more()
    elif surges:
        yield from (site.without(*over, *some) for some in _too_many_of_both(running))
    else:
        yield from (site.without(*over, *some) for some, _ in _all_but_one(running))


def _all_but_one(members: Sequence[Member]) -> Iterator[tuple[tuple[Member, ...], Member | None]]:
    """Yield all of some but one, and that one."""
    if not members:
        yield (), None
    for number, member in enumerate(members):
        if member.placed or not any(other.placed for other in members):
            yield (*members[:number], *members[number + 1 :]), member


def _too_many_of_both(running: list[Member]) -> Iterator[tuple[Member, ...]]:
    """Yield who goes where an old and a new one may stay: the old one only while it is ready and the new one is not."""
    fresh, old = [member for member in running if member.new], [member for member in running if not member.new]
    for (some, kept), (others, kept_old) in product(_all_but_one(fresh), _all_but_one(old)):
        replaced = kept and kept_old and (kept.ready or not kept_old.ready)
        yield (*some, *others, *((kept_old,) if replaced and kept_old else ()))


def rolls(state: State) -> Iterator[tuple[Site, ...]]:
    """Yield the nodes after one step of a rollout, for each choice of nodes that there is."""
    if not state.replaces:
        yield state.sites
    elif state.surge:
        yield from _surging(state)
    else:
        yield from _replacing(state)


def _replacing(state: State) -> Iterator[tuple[Site, ...]]:
    """Let old Pods go that are not ready; others only while few enough nodes are without one that is ready."""
    here = [number for number, site in enumerate(state.sites) if site.members or site.wants]
    ready = [
        number for number in here if len(state.sites[number].staying) == 1 and state.sites[number].staying[0].ready
    ]
    old = [number for number in here if len(state.sites[number].old()) == len(state.sites[number].staying) == 1]
    short = len(here) - len(ready)
    for some in _some([number for number in old if number in ready], state.unavailable - short):
        going = {*some, *(number for number in old if number not in ready)}
        yield tuple(site.without(*site.old()) if number in going else site for number, site in enumerate(state.sites))


def _surging(state: State) -> Iterator[tuple[Site, ...]]:
    """Bring a new Pod beside an old one, which goes once that is ready, or where none is wanted any more."""
    plain = [number for number, site in enumerate(state.sites) if len(site.old()) < 2 and len(site.fresh()) < 2]
    strange = len(state.sites) - len(plain)
    sites = {number: state.sites[number] for number in plain}
    both = [number for number in plain if sites[number].old() and sites[number].fresh()]
    alone = [number for number in plain if sites[number].old() and not sites[number].fresh()]
    done = [number for number in both if sites[number].fresh()[0].ready]
    serves = [
        number for number in plain if any(member.ready for member in sites[number].old() or sites[number].fresh())
    ]
    useless = [number for number in alone if not sites[number].wants and number not in serves]
    surplus = [number for number in alone if not sites[number].wants and number in serves]
    broken = [number for number in alone if sites[number].wants and number not in serves]
    sound = [number for number in alone if sites[number].wants and number in serves]
    spare = len(serves) - sum(site.wants for site in state.sites)
    for some in _some(sound, state.surge - strange - (len(both) - len(done))):
        for others in _some(surplus, spare):
            yield tuple(
                site.with_one_more()
                if number in {*broken, *some}
                else site.without(*site.old())
                if number in {*done, *useless, *others}
                else site
                for number, site in enumerate(state.sites)
            )


def _some(some: Sequence[T], most: int) -> Iterator[tuple[T, ...]]:
    """Yield each choice of as many as there may be."""
    return combinations(some, max(0, min(most, len(some))))


def counted(state: State) -> tuple[int, int, int]:
    """Count what is written down: of each node that wants a Pod, its first Pod, on the node and old before others."""
    wanting = [site for site in state.sites if site.wants]
    first = [
        min(site.members, key=lambda member: (not member.placed, member.new, not member.ready))
        for site in wanting
        if site.members
    ]
    return len(wanting), len(first), sum(member.ready for member in first)


def steps(state: State) -> tuple[State, ...]:
    """List what may become of a state in one turn."""
    ways = product(*(tuple(needs(site, surges=state.surge > 0)) for site in state.sites))
    found: dict[State, None] = {}
    for way in ways:
        for sites in rolls(state) if way == state.sites else (way,):
            found[evolve(state, sites=sites, written=counted(state))] = None
    return tuple(found)
