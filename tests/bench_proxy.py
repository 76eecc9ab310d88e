"""How kube-proxy's rules, their synchronisations and their proofs grow: `python tests/bench_proxy.py [SERVICES ...]`.

For each number of Services with ten endpoints each: CPU seconds to make the rules, to spell them, to synchronise after
one Service has changed (and the size of that text), to prove one Service, and to prove all of them with the claim that
nothing else is reached; beside them, in the same run, what the real iptables-restore takes to check the same text
(where it is installed and one is root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from time import process_time
from typing import TypeVar

from attrs import evolve

from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.sync import Settings, sync
from kubeproof.properties.reachability.all_services import Sliced, prove_all, prove_service
from kubeproof.properties.reachability.kinds import HERE, many
from kubeproof.properties.reachability.reachability import Reached
from oracles.restore import restore_text, without_counters

T = TypeVar("T")
EACH = 10


def timed(run: Callable[[], T]) -> tuple[T, float]:
    """Run something and give the CPU seconds it took."""
    began = process_time()
    return run(), process_time() - began


def row(count: int) -> str:
    """Measure one size."""
    services, slices = many(count, EACH)
    ruled, made = timed(lambda: rules(services, slices, HERE))
    text, spelt = timed(lambda: restore_text(without_counters(ruled)))
    first = sync(None, services, slices, Settings(HERE))
    fewer = (evolve(slices[0], endpoints=slices[0].endpoints[:-1]), *slices[1:])
    part, synced = timed(lambda: sync(first.synced, services, fewer, Settings(HERE)))
    assert not part.full
    sliced = Sliced(ruled)
    one, proved_one = timed(lambda: prove_service(sliced, services[count // 2], slices, HERE))
    assert isinstance(one, Reached)
    whole, proved_all = timed(lambda: prove_all(ruled, services, slices, HERE))
    assert whole.proved
    cells = (
        f"{count:>8,} {len(ruled.rules):>8,} {made:>7.2f} {spelt:>7.2f} {synced:>8.2f}",
        f"{100 * len(part.text) / len(first.text):>6.1f} % {proved_one:>7.3f} {proved_all:>9.1f} {whole.claims:>7,}",
        restored(text),
    )
    return " ".join(cells)


def restored(text: str) -> str:
    """Let the real iptables-restore check a text and say how much CPU it took."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("iptables-restore"):
        return "  not at hand"
    before = os.times()
    command = ["unshare", "--net", "iptables-restore", "--test"]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return f"{seconds:>9.2f} (exit code {done.returncode})"


def main(sizes: list[int]) -> None:
    """Print a table."""
    print(f"Python {sys.version.split()[0]}, {EACH} endpoints a Service, CPU seconds")
    print("Services    rules    made   spelt  partial  (text)   one proved  all proved  claims  restore --test")
    for count in sizes:
        print(row(count), flush=True)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10, 30, 100, 300, 1000])
