"""What `iptables-restore --noflush` makes of a node's tables: chains of rules as text, and what a text does to them.

Upstream: iptables-restore(8). A chain line makes a chain or empties the one there is, "-A" appends, "-X" deletes a
chain that is empty and that nobody jumps to. Left out on purpose: counters, policies, and every other command.
"""

from __future__ import annotations

from immutabledict import immutabledict

Tables = immutabledict[tuple[str, str], tuple[str, ...]]
"""Rules by table and chain, each as it was appended, without "-A CHAIN"."""
EMPTY: Tables = immutabledict()


class RestoreError(ValueError):
    """A text that iptables-restore would not take; the line says which."""


def restored(tables: Tables, text: str) -> Tables:
    """Return the tables after a text was loaded without flushing. Raises RestoreError, then nothing has changed."""
    now = {key: list(rules) for key, rules in tables.items()}
    table = ""
    for line in text.splitlines():
        command, _, rest = line.partition(" ")
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            now[table, command[1:]] = []
        elif command == "-A":
            chain, _, rule = rest.partition(" ")
            _known(now, table, chain, line)
            _known(now, table, _jump(rule), line)
            now.setdefault((table, chain), []).append(rule)  # built-in chains are always there
        elif command == "-X":
            _known(now, table, rest, line)
            if now[table, rest] or any(
                _jump(rule) == rest for at, rules in now.items() for rule in rules if at[0] == table
            ):
                raise RestoreError(line)
            del now[table, rest]
    return immutabledict((key, tuple(rules)) for key, rules in sorted(now.items()))


def _known(now: dict[tuple[str, str], list[str]], table: str, chain: str, line: str) -> None:
    if chain.startswith("KUBE-") and (table, chain) not in now:
        raise RestoreError(line)


def _jump(rule: str) -> str:
    """Return the target of a rule, "" if it has none."""
    return rule.rpartition("-j ")[2].partition(" ")[0] if "-j " in rule else ""
