# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test on a copy of this checkout: it insists on .../ansible_collections/trusted/crossbuild, physically.

It is that of the ansible-core of the Python that runs this; each release has a copy of its own, as they run side by side.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO

import checkout
import releases

CORE = ".".join(version("ansible-core").split(".")[:2])
WORK = checkout.CHECKOUT / ".cache/ansible-test" / CORE
COPY = WORK / "ansible_collections/trusted/crossbuild"
HOME = WORK / "home"

OPTIONS = {
    # Modules are compiled and imported by every Python that this machine has.
    "sanity": ["--venv", "--color", "no"],
    # Only ever called in the laboratory, where a target may do what it likes.
    "integration": ["--local", "--allow-destructive", "--color", "no"],
}
# What it says, with exit status 0, when it does not run something. The newest Python, which core 2.21 would look at as well, few
# machines have: it is told of, and no failure.
LEFT_OUT = re.compile(
    r'WARNING: (?!Skipping sanity test "\w+" on Python 3\.14 )(Excluding tests|Skipping|All targets skipped|Required program)'
)
# ansible-test would download this program from its makers, for the pip that it pins; every Python has what it takes.
PIPS = ("24.2", "25.2")  # core 2.18 and 2.19; 2.21
GET_PIP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet"] + wanted)
"""


def main(command: str, arguments: list[str]) -> int:
    copy_files()
    make_home()
    program = ["ansible-test", command, *OPTIONS[command], *arguments]
    with subprocess.Popen(program, cwd=COPY, env=environment(), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:  # fmt: skip
        left_out = [line for line in shown(running.stdout) if LEFT_OUT.match(line)]
    if left_out:
        print(f"ansible-test left out what should have run:\n{''.join(left_out)}", end="")
    return running.returncode or bool(left_out)


def shown(lines: IO[str] | None) -> Iterator[str]:
    for line in lines or ():
        print(line, end="", flush=True)
        yield line


def copy_files() -> None:
    """From the copy, what is no longer in the checkout goes."""
    wanted = checkout.files()
    COPY.mkdir(parents=True, exist_ok=True)
    # A repository of its own: below .cache, ansible-test would take every file for ignored.
    subprocess.run(["git", "init", "--quiet"], cwd=COPY, check=True)
    for path in COPY.rglob("*"):
        name = path.relative_to(COPY)
        kept = name in wanted or name.parts[0] == ".git" or name.parts[:2] == ("tests", "output")
        if not kept and (path.is_symlink() or not path.is_dir()):
            path.unlink()
    checkout.copy(wanted, COPY)


def make_home() -> None:
    """ansible-test keeps virtual environments in the home directory: a home of our own leaves the real one alone."""
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for pip in PIPS:
        (cache / f"get_pip_{pip.replace('.', '_')}.py").write_text(GET_PIP)
    # Where the user's package sources are configured, and where pip keeps what it has downloaded.
    for name in (".pip", ".config/pip", ".cache/pip"):
        link = HOME / name
        if (Path.home() / name).exists() and not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path.home() / name)


def environment() -> dict[str, str]:
    """Every supported Python of the machine on PATH, after the directory of ansible-test."""
    own = os.environ["PATH"].split(os.pathsep)[0]
    return {**os.environ, "HOME": str(HOME), "PATH": os.pathsep.join([own, *releases.search_path()])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
