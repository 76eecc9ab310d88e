"""Fuzz `kubeproof serve` with schemathesis: `python tests/fuzz_schemathesis.py [EXAMPLES [DOCUMENT...]]`.

A server is started, with a custom resource in it, and every OpenAPI document that it serves (or those named, as
`apis/apps/v1`) is given to schemathesis (`pip install '.[fuzz]'`). Judged is what fuzz_openapi.py judges: no 500 that a
real server would not give. Watches are left out, for they do not end. Exit code 1 if an answer is bad.

This module is also what schemathesis loads as its hooks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import yaml

from fuzz_openapi import OF_THE_REAL_SERVER
from oracles.apiserver import FOO

HERE = Path(__file__).parent
HOOKS = "SCHEMATHESIS_HOOKS"
NOT_HERE = "not supported: no containers run here"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

if os.environ.get(HOOKS):
    import schemathesis  # type: ignore[import-not-found]

    @schemathesis.check
    def answered_well(_context, response, _case) -> None:  # type: ignore[no-untyped-def]
        """Refuse answers that a real server would not give."""
        known = (*OF_THE_REAL_SERVER, NOT_HERE)
        assert response.status_code < 500 or any(one in response.text for one in known), response.text[:500]

    @schemathesis.hook
    def map_query(_context, query):  # type: ignore[no-untyped-def]
        """Ask for no watch."""
        return {key: value for key, value in (query or {}).items() if key != "watch"}


def main() -> int:
    """Run the command."""
    examples, *named = sys.argv[1:] or ["5"]
    serving = [sys.executable, "-m", "kubeproof", "serve", "--port", "0"]
    process = subprocess.Popen(serving, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+\d", process.stdout.readline())
        assert found is not None
        url = found[0]
        crd = yaml.safe_load(FOO.read_text())
        made = {"metadata": {"name": crd["metadata"]["name"]}, "spec": crd["spec"]}
        assert httpx.post(url + DEFINITIONS, json=made).status_code == 201
        documents = named or [
            one for one in httpx.get(f"{url}/openapi/v3").json()["paths"] if one.endswith(("v1", "v2"))
        ]
        failed = [one for one in documents if not _fuzzed(url, one, examples)]
    finally:
        process.terminate()
        process.wait()
    sys.stdout.write(f"{len(documents) - len(failed)} of {len(documents)} documents are answered well\n")
    return 1 if failed else 0


def _fuzzed(url: str, document: str, examples: str) -> bool:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi/v3/{document}", "--url", url]
    command += ["--checks", "answered_well", "--max-examples", examples, "--phases", "fuzzing", "--seed", "1"]
    command += ["--exclude-path-regex", "/watch/", "--continue-on-failure", "--request-timeout", "20", "--no-color"]
    paths = os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", "")))
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, HOOKS: "fuzz_schemathesis", "PYTHONPATH": paths},
    )
    cases = re.search(r"\d+ generated[^\n]*", told.stdout)
    sys.stdout.write(f"{document}: {cases[0] if cases else 'not run'}\n")
    if told.returncode:
        sys.stdout.write(f"{told.stdout}{told.stderr}")
    return told.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
