# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases of ansible-core and Python the collection is tested with, and which of the latter this machine has.

`python tests/releases.py core 2.21` prints the Python that a virtual environment with this ansible-core is made with,
`python tests/releases.py python 3.8` where that Python is, and `python tests/releases.py pythons` which there are.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# Of Python, by the support matrix of ansible-core: what runs a controller, and what modules are run by on a host.
CORES = {
    "2.18": (("3.11", "3.12", "3.13"), ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    "2.19": (("3.11", "3.12", "3.13"), ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    "2.21": (("3.12", "3.13", "3.14"), ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")),
}
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# Where a core has a virtual environment of its own: the oldest Python for the oldest, and a newer one for the newest.
PREFERRED = {"2.18": ("3.11", "3.12", "3.13"), "2.21": ("3.13", "3.12", "3.14")}


def found(versions: tuple[str, ...]) -> dict[str, Path]:
    """The interpreters of this machine by their version, also those that pyenv holds beside its current one."""
    places = os.pathsep.join(search_path())
    there = {version: shutil.which(f"python{version}", path=places) for version in versions}
    return {version: Path(program) for version, program in there.items() if program}


def search_path() -> list[str]:
    """PATH, and before it pyenv's; without the programs by which pyenv chooses among them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    beside = [str(path) for path in sorted(pyenv.glob("3.*/bin"))]
    return beside + [path for path in os.environ["PATH"].split(os.pathsep) if not path.endswith("/.pyenv/shims")]


def main(command: str, wanted: str = "") -> int:
    choices = {"core": PREFERRED.get(wanted, ()), "python": (wanted,), "pythons": PYTHONS}[command]
    there = found(choices)
    if not there:
        what = f"ansible-core {wanted}" if command == "core" else "this"
        print(f"no Python {' or '.join(choices)} on PATH, which {what} needs: install one", file=sys.stderr)
        return 1
    if command == "pythons":
        print(*there)
    else:
        print(next(there[version] for version in choices if version in there))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
