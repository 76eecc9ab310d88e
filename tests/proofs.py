"""Print what is proved, for which inputs, how, and how long it took: `python tests/proofs.py [topic] [name]`.

Exit code 1 if a proof fails. A topic is one entry of REGISTRY, with its proofs by name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import process_time
from typing import Any

import grains
from kubeproof.properties.consensus import proofs as consensus_proofs
from kubeproof.properties.placement import proofs as placement_proofs
from kubeproof.properties.reachability import proofs as reachability_proofs
from kubeproof.properties.refinement import proofs as refinement_proofs
from kubeproof.properties.watching import proofs as watching_proofs

REGISTRY: dict[str, Mapping[str, Any]] = {
    "consensus": consensus_proofs.PROOFS,
    "grains": grains.PROOFS,
    "placement": placement_proofs.PROOFS,
    "reachability": reachability_proofs.PROOFS,
    "refinement": refinement_proofs.PROOFS,
    "watching": watching_proofs.PROOFS,
}
"""Topics. A proof has `claim`, `sizes`, `method` and `run()`, which gives `proved`, `paths` and `refuted`."""


def main(wanted: list[str]) -> int:
    """Run the proofs of a topic, or of all, and print a line for each."""
    topics = [one for one in REGISTRY if one in wanted] or list(REGISTRY)
    names = [one for one in wanted if one not in REGISTRY]
    failed = 0
    for topic in topics:
        for name, proof in REGISTRY[topic].items():
            if not names or name in names:
                failed += not told(f"{topic} {name}", proof)
    if "placement" in topics and not names:
        for what, how in placement_proofs.TESTED.items():
            print(f"tested only: {what} {how}")
    return 1 if failed else 0


def told(title: str, proof: Any) -> bool:
    """Run one proof and print what came out."""
    began = process_time()
    answer = proof.run()
    seconds = process_time() - began
    word = "proved" if answer.proved else "REFUTED" if answer.refuted else "VACUOUS"
    print(f"{word} ({proof.method}, {answer.paths:,} cases, {seconds:.1f} s) {title}: {proof.claim}")
    print(f"    for {proof.sizes}")
    for line in answer.refuted or ():
        print(f"    {line}")
    return bool(answer.proved)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
