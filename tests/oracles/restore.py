"""The text that programs a node: what `iptables-restore` reads.

Upstream: syncProxyRules of pkg/proxy/iptables/proxier.go (v1.32), which pipes such a text into iptables-restore.
Here each text is whole and takes the tables as its own; `impl.kubeproxy.sync` leaves other chains alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from kubeproof.impl.kubeproxy.chains import NODE_PORTS
from kubeproof.impl.kubeproxy.rule import Rule, RuleSet

BUILT_IN = {"filter": ("INPUT", "FORWARD", "OUTPUT"), "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")}


def restore_text(rules: RuleSet) -> str:
    """Return both tables, filter first, rules in the order in which they are tried."""
    return "".join(f"{line}\n" for table in BUILT_IN for line in _table(rules, table))


def _table(rules: RuleSet, table: str) -> Iterator[str]:
    mine = [rule for rule in rules.rules if rule.table == table]
    named = {name for rule in mine for name in (rule.chain, rule.target) if name.startswith("KUBE-")}
    yield f"*{table}"
    yield from (f":{chain} ACCEPT [0:0]" for chain in BUILT_IN[table])
    yield from (f":{chain} - [0:0]" for chain in sorted(named))
    # A jump's comment is spelt bare where kube-proxy hands it over as one argument; in a text it needs its quotes.
    yield from ((rule if rule.quoted else evolve(rule, quoted=True)).line() for rule in mine)
    yield "COMMIT"


def without_counters(rules: RuleSet) -> RuleSet:
    """Return the rules of a kube-proxy whose kernel has no nfacct: it counts no localhost's and no invalid packets."""
    return evolve(rules, rules=tuple(_uncounted(rules)))


def _uncounted(rules: RuleSet) -> Iterator[Rule]:
    for rule in rules.rules:
        if not rule.nfacct:
            yield rule
        elif rule.chain != NODE_PORTS:  # there, the rule is for counting only
            yield evolve(rule, nfacct="")
