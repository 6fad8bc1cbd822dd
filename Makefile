# Everything that one does with Byhand. Python 3.11 or newer with venv is all that a machine must have.
# Paths are relative and quoted, because the folder may have a space in its name.

# The Python that .venv was made with, until another one is named: make run PYTHON=python3.13
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
PY := .venv/bin/python
STRICT := messaging/policy/*,messaging/gate.py,messaging/delivery/*
PARALLEL := -n auto --dist loadgroup

# What is only measured beside Byhand, in a folder of its own: django-post_office and what it needs.
OTHERS := django-post_office==3.12.0 nh3==0.3.2
BESIDE := var/bench

# Where the environment forbids it, every one of the many processes of the tests would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check suite coverage bench-audit bench-delivery bench-board bench-pages barriers screenshots chaos format lock clean

help: ## say what there is
	@echo "Byhand:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

run: ## install, prepare and start Byhand at http://localhost:8000 (PORT=... for another port)
	@$(call install,requirements.txt)
	@$(PY) -m config.run

test: export CHAOS_STEPS ?= 25000
test: check suite ## install, lint, types, import contracts, migrations, every test

check:
	@$(call install,requirements-dev.txt)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo
	$(PY) manage.py makemigrations --check --dry-run --settings tests.settings
	$(PY) manage.py check --settings tests.settings

suite:
	@$(call install,requirements-dev.txt)
	$(PY) -m pytest $(PARALLEL)

coverage: ## every test once more, watched: slower, and says which lines none of them reaches
	@$(call install,requirements-dev.txt)
	$(PY) -m pytest $(PARALLEL) --cov --cov-report=term
	@$(PY) -m coverage report --include='$(STRICT)' --fail-under=100 >/dev/null || \
		{ $(PY) -m coverage report --include='$(STRICT)'; echo 'These must be covered whole.'; exit 1; }

bench-delivery: ## measure delivery beside what others do (BENCH='--messages 400 --rounds 5 --postgres postgres://...')
	@$(call install,requirements-dev.txt)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$(BESIDE)" $(OTHERS)
	PYTHONPATH="$(BESIDE)" $(PY) -m tests.bench.delivery $(BENCH)

bench-audit: ## measure the audit, for time and memory, at two sizes (BENCH='--decisions 1000000')
	@$(call install,requirements-dev.txt)
	@$(PY) -W ignore -m tests.bench.audit $(BENCH)

bench-board: ## measure a board of a thousand cards, on the server and in a real Chromium (BENCH='--cards 3000')
	@$(call install,requirements-dev.txt)
	@$(PY) -W ignore -m tests.bench.board $(BENCH)

bench-pages: ## measure the server time of every page of the demo company (BENCH='--rounds 7 --anew')
	@$(call install,requirements-dev.txt)
	$(PY) -m tests.pages.bench $(BENCH)

barriers: ## look for what keeps people out of a page, with axe-core, and for errors in the console (BARRIERS="--forms dark-wide")
	@$(call install,requirements-dev.txt)
	$(PY) -m tests.pages.barriers $(BARRIERS)
	$(PY) -m tests.pages.barriers --rare $(BARRIERS)

screenshots: ## take the pictures of the README anew
	@$(call install,requirements-dev.txt)
	$(PY) -m tests.pages.screenshots

# The sizes of the faults on purpose; what is not named is as short as in the suite. docs/assurance.md says what each is.
CHAOS := STEPS KILLS RACES CLUSTERS EXAMPLES PROVIDERS SEED

chaos: ## faults on purpose, with a table of what was counted: make chaos KILLS=20000 RACES=50
	@$(call install,requirements-dev.txt)
	@$(foreach size,$(CHAOS),CHAOS_$(size)='$($(size))') $(PY) -m pytest -n 0 -q tests/chaos

.PHONY: mutants
mutants: ## break policy, gate, egress and outbox in one place at a time, and list what no test notices (MUTANTS='--only gate')
	@$(call install,requirements-dev.txt)
	@$(PY) -m tests.mutants $(MUTANTS)

format: ## put the code into its shape
	@$(call install,requirements-dev.txt)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: ## pin the requirements of pyproject.toml anew
	@$(check_python)
	@uv="$$(mktemp -d)" && trap 'rm -rf "$$uv"' EXIT && \
	"$(PYTHON)" -m venv "$$uv" && "$$uv/bin/python" -m pip install --quiet uv && \
	$(call compile,requirements.txt) && \
	$(call compile,requirements-dev.txt,--group dev --constraint requirements.txt)

clean: ## remove .venv and what tools left behind; var/ and .env stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov

define check_python
command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here. Name a Python: make run PYTHON=python3.11"; exit 1; }; \
"$(PYTHON)" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Byhand needs Python 3.11 or newer, and this is %d.%d. Name another one: make run PYTHON=python3.11" % sys.version_info[:2])'
endef

install = $(check_python) && "$(PYTHON)" config/install.py $(1)

compile = "$$uv/bin/python" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --only-binary :all: --custom-compile-command "make lock" pyproject.toml $(2) --output-file $(1)
