# make run     set up everything and start the demo clinic        (make run PORT=9000)
# make test    set up everything and run all tests, a hundred days of soak among them   (make test ARGS="tests/cli -k users")
# make test-postgres   the tests of services, interface and jobs on PostgreSQL
# make soak    play twenty thousand made-up days in a clinic      (make soak SEED=7 DAYS=1000)
# make mutants small faults put into the domain's decisions: do its tests notice?   (make mutants ARGS=window)
# make check   format, lint, types, imports, libraries and code that nothing uses
# make format  put the format right
# make bench   time the sync job beside the floor                 (make bench ARGS="--rounds 1 --delays 0")
# make docs    write the pages that are made from the code
# make pictures take the pictures of the documentation anew
# make wheel   build dist/pmsapp-*.whl
# make locks   resolve the locked versions anew
.PHONY: run test test-postgres soak mutants check bench format docs pictures wheel locks clean installed installed-for-work
.DEFAULT_GOAL := run

PORT ?= 8080
ARGS ?=
BIN := .venv/bin
JOBS ?= auto
# The tests start hundreds of Python processes: each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

run: installed
	@$(BIN)/pmsapp demo --port $(PORT)

test: installed-for-work
	@sh scripts/chromium.sh
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --durations 10 $(ARGS)

test-postgres: installed-for-work
	@sh scripts/test-postgres.sh $(BIN)/python -n $(JOBS) --maxprocesses 8 $(or $(ARGS),tests/services tests/api tests/jobs)

soak: SEED ?= $(shell date +%s)
soak: installed-for-work
	@echo "Seed $(SEED): make soak SEED=$(SEED) plays these days again."
	@PMS_SOAK_EXAMPLES=$(or $(DAYS),20000) PMS_SOAK_SEED=$(SEED) \
		$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 tests/soak $(ARGS)

mutants: installed-for-work
	@nice $(BIN)/python scripts/mutants.py $(ARGS)

check: installed-for-work
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry pmsapp
	@$(BIN)/python scripts/dead_code.py

bench: installed-for-work
	@$(BIN)/python -m bench $(ARGS)

format: installed-for-work
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

docs: installed-for-work
	@$(BIN)/python scripts/settings_page.py
	@$(BIN)/python scripts/guide_pages.py
	@$(BIN)/python scripts/security_page.py
	@$(BIN)/python scripts/import_picture.py

pictures: installed-for-work
	@sh scripts/chromium.sh
	@PMS_PICTURES=docs/images PMS_HELP_PICTURES=static/help $(BIN)/python -m pytest -q -n0 tests/browser/test_pictures.py

wheel: installed-for-work
	@$(BIN)/python -m build --wheel --no-isolation >/dev/null && ls dist/*.whl

locks:
	@sh scripts/locks.sh

installed:
	@sh scripts/install.sh run

installed-for-work:
	@sh scripts/install.sh dev

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
