"""Documented failures and their repairs: `python tests/zoo.py [--trace] [NAME|TOPIC...]` runs pairs and prints them.

Each line is one documented failure: found without its repair (with the length of the shortest run that shows it), and
gone with it, by the same search. `--trace` prints the runs, too. The exit code is 0 if all is as documented. The tests
run the quick ones; this runs all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from kubeproof.harness.zoo import network_policy as zoo_network_policy
from kubeproof.harness.zoo import placement as zoo_placement
from kubeproof.harness.zoo import reachability as zoo_reachability
from kubeproof.harness.zoo import scheduler as zoo_scheduler
from kubeproof.harness.zoo.catalogue import Found, Pair, as_documented

TOPICS: dict[str, tuple[Pair, ...]] = {
    "scheduler": zoo_scheduler.PAIRS,
    "placement": zoo_placement.PAIRS,
    "reachability": zoo_reachability.PAIRS,
    "network-policy": zoo_network_policy.PAIRS,
}


def chosen(names: list[str]) -> Iterator[tuple[str, Pair]]:
    """Give the pairs of these topics and names, all where none is named; SystemExit for what is neither."""
    known = {*TOPICS, *(pair.name for pairs in TOPICS.values() for pair in pairs)}
    if odd := sorted(set(names) - known):
        raise SystemExit(f"no failure or topic is called {odd[0]!r}; there are: {', '.join(sorted(known))}")
    for topic, pairs in TOPICS.items():
        for pair in pairs:
            if not names or topic in names or pair.name in names:
                yield topic, pair


def said(found: Found) -> str:
    """Put what one run found into a few words."""
    steps = f" in {len(found.lines)} steps" if found.lines else ""
    vacuous = " (vacuous)" if found.vacuous else ""
    return f"{found.status.value}{steps}{vacuous}, {found.states:,} states, {found.seconds:.1f} s"


def main() -> int:
    """Run the pairs, print each as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME|TOPIC")
    parser.add_argument("--trace", action="store_true", help="print the run that shows each failure")
    options = parser.parse_args()
    odd = count = 0
    for topic, pair in chosen(options.names):
        faulty, repaired = pair.faulty(), pair.repaired()
        right = as_documented(faulty, repaired)
        odd, count = odd + (not right), count + 1
        print(f"{'ok  ' if right else 'ODD '} {topic}/{pair.name} ({', '.join(pair.sources)}): {pair.what}")
        print(f"       as it was: {said(faulty)}")
        print(f"       repaired:  {said(repaired)} -- {pair.repair}", flush=True)
        if options.trace:
            print("".join(f"         {line}\n" for line in faulty.lines), end="")
    print(f"{count - odd} of {count} documented failures are found, and gone with their repairs")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
