PYTHON ?= .venv/bin/python

.PHONY: check lint test

check: lint test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy --strict benchmarks
	$(PYTHON) -m mypy --strict examples
	$(PYTHON) -c "import sys; from importlinter.cli import lint_imports_command; sys.argv = ['lint-imports', '--no-cache']; lint_imports_command()"

test:
	$(PYTHON) -m pytest -q
