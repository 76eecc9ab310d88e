.PHONY: check style types test bench
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
	python tests/bench.py
