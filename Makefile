PYTHON ?= .venv/bin/python

.PHONY: bundle check lint test

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

# The MCP bundle (docs/packaging.md).
bundle:
	rm -rf dist/mcpb
	mkdir -p dist
	$(PYTHON) packaging/bundle.py dist/mcpb
	npx --yes @anthropic-ai/mcpb@2.1.2 pack dist/mcpb dist/fleetlore.mcpb
