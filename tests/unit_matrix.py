# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit tests with every ansible-core on each Python of a controller, and what hosts run of it on each of theirs.

As far as this machine has them: says which ones did not run. `make unit` is one of these, and left out here. A Python has the
tests' tools in `.cache/python-VERSION`; ansible-core, which is the same files for all, comes from where it is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import releases

CACHE = Path(__file__).resolve().parents[1] / ".cache"
INSTALLED = {"2.18": CACHE / "core-2.18", "2.19": CACHE / "venv", "2.21": CACHE / "core-2.21"}
OF_MAKE_UNIT = ("2.19", f"3.{sys.version_info.minor}")
# Of the values that hypothesis makes up, as chance is not what these runs are for.
EXAMPLES = "10"
# The parser that it compares with is not made for this Python; all others run it.
LEFT_OUT = {
    "3.8": ["tests/unit/plugins/module_utils/test_dockerfile.py::test_lexer_agrees_with_buildkit_on_generated_texts"]
}


def combinations() -> list[tuple[str, str, str]]:
    """ansible-core, Python and tests. A host's Python alone has the oldest core that supports it."""
    controllers = [
        # What is beside plugins is about the checkout, whatever runs it.
        (core, python, "tests/unit/plugins")
        for core, (pythons, _hosts) in releases.CORES.items()
        for python in pythons
    ]
    on_hosts: dict[str, str] = {}
    for core, (_pythons, hosts) in releases.CORES.items():
        for python in hosts:
            on_hosts.setdefault(python, core)
    run = {python for _core, python, _tests in controllers}
    hosts = [
        (core, python, "tests/unit/plugins/module_utils") for python, core in on_hosts.items() if python not in run
    ]
    return [*hosts, *controllers]


def main(arguments: list[str]) -> int:
    there = releases.found(releases.PYTHONS)
    passed, failed, absent = [], [], []
    for core, python, tests in combinations():
        name = f"{core} on {python}"
        if (core, python) == OF_MAKE_UNIT:
            continue
        if python not in there:
            absent.append(name)
            continue
        without = f", without {', '.join(LEFT_OUT[python])}" if python in LEFT_OUT else ""
        print(f"=== ansible-core {name}: {tests}{without}", flush=True)
        (passed if run(core, python, tests, arguments) else failed).append(name)
    print(f"ansible-core {', '.join(passed)} passed; not on this machine: {', '.join(absent) or 'none'}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed or not passed else 0


def run(core: str, python: str, tests: str, arguments: list[str]) -> bool:
    (package,) = INSTALLED[core].glob("lib/python3*/site-packages/ansible")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "ansible").symlink_to(package)
        environment = {
            **os.environ,
            "PYTHONPATH": directory,
            "HYPOTHESIS_EXAMPLES": EXAMPLES,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [str(CACHE / f"python-{python}/bin/pytest"), "--quiet", "-p", "no:cacheprovider", tests, *arguments]
        command += [f"--deselect={test}" for test in LEFT_OUT.get(python, ())]
        return subprocess.run(command, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
