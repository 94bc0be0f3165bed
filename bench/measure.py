# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks share: where they may run, what a process costs, and RESULTS.md, with a section for each."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import ansible

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
# The Python of the host, which Ansible would start modules by.
PYTHON = "/usr/bin/python3"
OUR_MODULES = "ansible_collections.trusted.crossbuild.plugins.modules"
# What others let the machine do. Later it counts what is measured as well.
LOAD = os.getloadavg()[0]
# Runs the module that is named first, and writes its largest resident set, and that of its children, when it ends.
WATCHED = """\
import atexit, os, resource, runpy, sys
def write():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    with open(os.environ["BENCH_PEAK"], "w") as file:
        print(lines["VmHWM"].split()[0], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
atexit.register(write)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def require(condition: object, otherwise: str) -> None:
    """Ends the measurement: what did not do its job has no figure."""
    if not condition:
        sys.exit(f"bench: {otherwise}")


def require_laboratory() -> None:
    inside = "4294967295" not in Path("/proc/self/uid_map").read_text()
    require(inside, "this is the machine itself: run it in the laboratory, as make does")


@dataclass(frozen=True)
class Cost:
    """Of a process: wall time in seconds, and what it printed."""

    seconds: float
    output: str


def cost(command: list[str], environment: dict[str, str] | None = None) -> Cost:
    """Runs a command that has to succeed."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        ran = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        seconds = time.monotonic() - start
        output.seek(0)
        printed = output.read()
    require(ran.returncode == 0, f"{' '.join(command)} failed: {printed}")
    return Cost(seconds, printed)


def module_cost(
    name: str, arguments: dict[str, object], collections: str | None = None
) -> tuple[Cost, dict[str, object]]:
    """A module alone, as Ansible starts it on the host, with its result. ``name`` is that of its Python module."""
    ran = _module(["-m", name], arguments, {}, collections or os.environ["ANSIBLE_COLLECTIONS_PATH"])
    result: dict[str, object] = json.loads(ran.output.splitlines()[-1])
    return ran, result


def module_peak(name: str, arguments: dict[str, object]) -> tuple[float, float]:
    """The largest resident set of a module's process, and the largest of its children, in MiB."""
    with tempfile.NamedTemporaryFile("r") as file:
        _module(["-c", WATCHED, name], arguments, {"BENCH_PEAK": file.name}, os.environ["ANSIBLE_COLLECTIONS_PATH"])
        own, children = map(int, file.read().split())
    return own / 1024, children / 1024


def _module(start: list[str], arguments: dict[str, object], environment: dict[str, str], collections: str) -> Cost:
    library = Path(next(iter(ansible.__path__))).parent
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"ANSIBLE_MODULE_ARGS": arguments}, file)
        file.flush()
        return cost([PYTHON, *start, file.name], {"PYTHONPATH": f"{library}:{collections}", **environment})


def playbook_cost(path: Path, variables: dict[str, object], *options: str, **environment: str) -> Cost:
    """A playbook on this host, by a local connection, with the roles beside this file."""
    variables = {"ansible_python_interpreter": PYTHON, **variables}
    command = ["ansible-playbook", "--inventory", "localhost,", "--connection", "local"]
    command += ["--extra-vars", json.dumps(variables), *options, str(path)]
    return cost(command, {"ANSIBLE_ROLES_PATH": str(HERE / "roles"), "ANSIBLE_NOCOLOR": "1", **environment})


def spread(seconds: list[float]) -> str:
    """Median, fastest and slowest, as ``0.26 (0.24-0.28)``."""
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"


def write_section(title: str, lines: list[str]) -> None:
    """Prints a section of RESULTS.md, and puts it in the place of the one of that title."""
    text = "\n".join([f"## {title}", "", f"{_machine()}", "", *lines, ""])
    print(text)
    old = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    head, *sections = re.split(r"(?m)^(?=## )", old)
    kept = [section for section in sections if not section.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join(part.rstrip("\n") + "\n" for part in [head, *sorted([*kept, text])]))
    sys.stdout.flush()


def _machine() -> str:
    models = re.findall(r"(?m)^model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    core = cost(["ansible-playbook", "--version"]).output
    version = re.search(r"core ([\d.]+)", core)
    host = platform.freedesktop_os_release()["PRETTY_NAME"]
    return (
        f"Measured {datetime.date.today()} on {models[0]}, {len(models)} cores, load {LOAD:.1f} before it began; {host},"
        f" Linux {platform.release()}; ansible-core {version.group(1) if version else core}, Python"
        f" {platform.python_version()}. Medians in seconds (fastest-slowest); every round runs each side once, in turn."
    )
