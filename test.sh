#!/usr/bin/env bash
# Lint, types, import rule, tests with coverage. Arguments go to pytest: bash test.sh -m slow tests/parity
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
bash quickstart.sh --install test || exit 1

export HF_HUB_OFFLINE=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # as many test processes as processors, up to four, one thread each
if [ -z "${BERTKIT_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
    BERTKIT_TEST_DATA=$(cd ../shared/data && pwd)
    export BERTKIT_TEST_DATA
fi

failed=()
step() { # name, command
    printf '\n== %s\n' "$1"
    "${@:2}" || failed+=("$1")
}

python=.venv/bin/python # modules, not .venv/bin/NAME: those break when the folder is moved
step "ruff check" $python -m ruff check
step "ruff format" $python -m ruff format --check
step "lint-imports" $python .venv/bin/lint-imports --no-logo
# mypy keeps one processor busy and leaves the others idle, so it checks beside the tests and is heard after them.
found=$(mktemp)
$python -m mypy >"$found" 2>&1 &
types=$!
trap 'kill "$types" 2>/dev/null; rm -f "$found"' EXIT
step "pytest" $python -m pytest -n auto --maxprocesses 4 --dist loadfile --cov --cov-report=term "$@"
step "mypy" wait "$types"
cat "$found"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFailed: %s\n' "${failed[*]}"
    exit 1
fi
