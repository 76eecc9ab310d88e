.PHONY: check style types test bench bench-engine corpus docs overview agreement zoo growth proofs reductions
check: style types test

style:
	ruff check .
	ruff format --check .

# mypy cannot follow an editable mapping, so it reads the package as it would be installed.
types:
	rm -rf build
	pip install --quiet --no-deps --target build/wheel .
	mypy

test:
	pytest

bench:
	python tests/bench_table.py
	python tests/bench.py
	python tests/bench_checker.py
	python tests/bench_placement.py
	python tests/bench_proxy.py
	python tests/bench_islands.py
	python tests/bench_serve.py
	python tests/bench_etcd.py
	python tests/fuzz_openapi.py 0:20

# The compiled engine (pip install '.[fast]') beside SPIN and minicheck, where these are installed.
bench-engine:
	python tests/bench_engine.py

# The traces that pytest replays. Commit a change of them only when you understand it.
corpus:
	rm -f traces/corpus/*.json
	for name in deadlock dropped drain-blocked full-nodes; do kubeproof check examples/$$name --expect --quiet --trace-dir traces/corpus; done
	kubeproof run nginx-pod --image=nginx:latest --trace traces/corpus/run-nginx-pod.json > /dev/null

# The documentation as a site (pip install '.[docs]').
docs:
	mkdocs build --site-dir build/docs

# The picture of all components in the README, and the page of what each may do, from their code.
overview:
	python tests/overview.py > docs/overview.svg
	python tests/components_page.py

# Every recorded decision of the real programs, in tests/vectors or in any folder laid out like it.
agreement:
	python tests/agreement.py tests/vectors

# Documented failures of Kubernetes: each found, and gone with its repair.
zoo:
	kubeproof zoo run

# How the cost of published cases grows with the cluster.
growth:
	python tests/growth.py

# What is proved with z3 and by exhaustion, with sizes and times.
proofs:
	python tests/proofs.py

# What each reduction saves, and that it changes no verdict.
reductions:
	python tests/reductions.py
