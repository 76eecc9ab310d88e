"""Full and partial synchronisations: the text that brings a node's tables up to date.

Upstream: syncProxyRules of pkg/proxy/iptables/proxier.go and the change trackers of pkg/proxy (v1.32). Such a text goes
into `iptables-restore --noflush`: what a chain line (":KUBE-... - [0:0]") names is emptied and filled anew, everything
else stays. Every sync writes the shared chains; a partial one writes the chains of those Services only that changed,
their slices included. Chains that nobody needs any more are emptied and deleted.
A sync is full at first, when it is asked for (after a failed one, or when somebody else has flushed the tables), and
when the proxier's configuration or its node's labels have changed.
Left out on purpose: the hourly full sync (ask for it), and in large clusters the pause between deletions of chains
(ask for it by `delete`). The jumps from the built-in chains are `jumps_text`: upstream sees to them rule by rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..api.core import Service
from ..api.policy import EndpointSlice
from .chains import EXTERNAL_SERVICES, MARK_MASQ, NODE_PORTS, PROXY_FIREWALL, SERVICES, ProxyConfig
from .endpoints import Choice, by_service
from .proxy import LARGE, after, before, port_choices, ruled, rules_of
from .rule import Rule, RuleSet
from .services import Port, ports

OWN = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-")
"""What the names of chains begin with that belong to one Service port."""
SHARED = immutabledict(
    filter=(SERVICES, EXTERNAL_SERVICES, "KUBE-FORWARD", NODE_PORTS, PROXY_FIREWALL, "KUBE-FIREWALL"),
    nat=(SERVICES, NODE_PORTS, "KUBE-POSTROUTING", MARK_MASQ),
)
"""Chains that every sync empties and fills anew."""

Name = tuple[str, str]
"""Namespace and name of a Service."""


@frozen
class Known:
    """What the rules of one Service are made of, besides the node's own settings."""

    ports: tuple[Port, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()


@frozen
class Own:
    """What one Service has in the tables: its rules, and how many endpoints they are chosen from."""

    rules: tuple[Rule, ...] = ()
    endpoints: int = 0


@frozen
class Settings:
    """What every rule may depend on: the node, how its proxier was set up, and its labels."""

    node_name: str
    config: ProxyConfig = ProxyConfig()
    node_labels: immutabledict[str, str] = immutabledict()


@frozen
class Synced:
    """What a proxier has after a sync: what it knew, the rules of each Service, and the chains in its nat table."""

    settings: Settings
    known: immutabledict[Name, Known]
    own: immutabledict[Name, Own]
    chains: frozenset[str]

    @property
    def rules(self) -> RuleSet:
        """Everything that is programmed now."""
        return ruled((rule for own in self.own.values() for rule in own.rules), self.settings.config)


@frozen
class Sync:
    """One synchronisation: the text to load without flushing, whether it is a full one, and what there is then."""

    text: str
    full: bool
    synced: Synced


def sync(
    previous: Synced | None,
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    settings: Settings,
    *,
    full: bool = False,
    delete: bool = True,
) -> Sync:
    """Return the next synchronisation of one family's proxier; `previous` is None for a proxier that has just begun.

    `full` asks for all chains, `delete` for the end of chains that nobody needs. The rules of a Service that has not
    changed are those it had: they depend on its ports, its slices and the settings alone.
    """
    now = _known(services, slices, settings.config)
    whole = full or previous is None or previous.settings != settings
    old = Synced(settings, immutabledict(), immutabledict(), frozenset()) if previous is None else previous
    kept = {name: old.own[name] for name, known in now.items() if not whole and old.known.get(name) == known}
    fresh = {name: _chosen(known, settings) for name, known in now.items() if name not in kept}
    counted = sum(value.endpoints for value in kept.values())
    large = counted + sum(choice.known for found in fresh.values() for _, choice in found) > LARGE
    own = {name: kept[name] if name in kept else _own(fresh[name], settings.config, large=large) for name in now}
    needed = frozenset(rule.chain for value in own.values() for rule in value.rules if is_own(rule))
    stale = old.chains - needed if delete else frozenset()
    synced = Synced(settings, immutabledict(now), immutabledict(own), (old.chains | needed) - stale)
    return Sync(_text(synced, frozenset(fresh), stale), whole, synced)


def _chosen(one: Known, settings: Settings) -> list[tuple[Port, Choice]]:
    return port_choices(one.ports, one.slices, settings.node_name, settings.node_labels, settings.config.release)


def _own(chosen: list[tuple[Port, Choice]], config: ProxyConfig, *, large: bool) -> Own:
    return Own(tuple(rules_of(chosen, config, large=large)), sum(choice.known for _, choice in chosen))


def is_own(rule: Rule) -> bool:
    """Tell whether a rule is in a chain of one Service port."""
    return rule.table == "nat" and rule.chain.startswith(OWN)


def _known(services: Iterable[Service], slices: Iterable[EndpointSlice], config: ProxyConfig) -> dict[Name, Known]:
    """Sort out what is known by Service, in the order of names."""
    mine = by_service(endpoint_slice for endpoint_slice in slices if endpoint_slice.address_type == config.family)
    found = {}
    for name, some in groupby(
        ports(services, config.family, config.release), key=lambda port: (port.namespace, port.service)
    ):
        ends = sorted(mine.get(name, ()), key=lambda endpoint_slice: endpoint_slice.metadata.name)
        found[name] = Known(tuple(some), tuple(map(_looked_at, ends)))
    return found


def _looked_at(one: EndpointSlice) -> EndpointSlice:
    """Keep of a slice what its endpoints depend on."""
    meta = evolve(one.metadata, resource_version="", generation=0, annotations=immutabledict())
    return evolve(one, metadata=meta)


# --- text -----------------------------------------------------------------------------------------------------------


def _text(synced: Synced, written: frozenset[Name], stale: frozenset[str]) -> str:
    """Spell both tables, filter first."""
    config = synced.settings.config
    fixed = [rule for rule in before(config) if rule.quoted]
    shared = [rule for own in synced.own.values() for rule in own.rules if not is_own(rule)]
    mine = [rule for name in sorted(written) for rule in synced.own[name].rules if is_own(rule)]
    lines = ["*filter", *map(_chain, SHARED["filter"])]
    lines += [rule.line() for rule in (*fixed, *shared) if rule.table == "filter"]
    lines += ["COMMIT", "*nat", *map(_chain, SHARED["nat"])]
    lines += map(_chain, dict.fromkeys(rule.chain for rule in mine))
    lines += map(_chain, sorted(stale))
    lines += [rule.line() for rule in (*fixed, *shared, *mine) if rule.table == "nat"]
    lines += [f"-X {chain}" for chain in sorted(stale)]
    lines += [rule.line() for rule in after(config)]
    return "\n".join([*lines, "COMMIT", ""])


def _chain(name: str) -> str:
    return f":{name} - [0:0]"


def jumps_text(config: ProxyConfig) -> str:
    """Return the jumps from the built-in chains, to be loaded once without flushing."""
    return "".join(f"{line}\n" for table in SHARED for line in _jumps(table, config))


def _jumps(table: str, config: ProxyConfig) -> Iterator[str]:
    yield f"*{table}"
    yield from map(_chain, SHARED[table])
    # Comments are spelt bare where kube-proxy hands them over as one argument; in a text they need their quotes.
    yield from (evolve(rule, quoted=True).line() for rule in before(config) if rule.table == table and not rule.quoted)
    yield "COMMIT"
