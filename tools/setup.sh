#!/bin/sh
# Create .venv with a Python that is new enough, then let tools/setup.py fill it.
set -eu
cd "$(dirname "$0")/.."

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 python; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Flask-Gatehouse needs Python 3.11 or newer; found: $(python3 --version 2>&1 || echo none)." >&2
    echo "Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
    return 1
}

# Debian and Ubuntu keep what makes virtual environments in a package of its own.
need_venv() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    package="$("$1" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package"
        DEBIAN_FRONTEND=noninteractive apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    else
        echo "This Python cannot make virtual environments. Run: sudo apt-get install $package" >&2
        return 1
    fi
}

# A .venv whose Python is gone, after an upgrade of the machine's own, is made anew.
if ! new_enough .venv/bin/python; then
    python="$(find_python)"
    need_venv "$python"
    echo "Creating .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

exec .venv/bin/python -I tools/setup.py
