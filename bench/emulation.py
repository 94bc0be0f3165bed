# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs on a host that needs nothing: the role emulation beside a role of stock modules that does the same.

Both find the same host, and take turns, so that a busy machine is as busy for either. Each is first seen doing its job
from nothing. Runs in the laboratory only, by `make bench-emulation`, and writes RESULTS.md beside this file.
"""

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
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUNDS = 7
TARGET = 5
PYTHON = "/usr/bin/python3"
# Nothing of systemd runs in the laboratory, but the configuration for a boot counts for both sides.
VARIABLES = {"ansible_python_interpreter": PYTHON, "emulation_boot": "systemd"}
TEN = ["arm", "arm64", "riscv64", "ppc64le", "s390x", "mips64le", "mipsle", "loong64", "386", "amd64"]

# What is run, as a person reads it, the playbook, and its variables.
SIDES: dict[str, tuple[str, dict[str, object]]] = {
    "`trusted.crossbuild.emulation`": ("ours", {}),
    "stock modules": ("stock", {"facts": False}),
    "stock modules, facts gathered": ("stock", {"facts": True}),
    "an empty playbook": ("empty", {}),
}
OURS, *STOCK, EMPTY = SIDES


def main() -> None:
    if "4294967295" in Path("/proc/self/uid_map").read_text():
        sys.exit("bench: this is the machine itself: run it in the laboratory, by make bench-emulation")
    subprocess.run(["apt-get", "-qq", "update"], check=True)
    prepare()
    module = binfmt_seconds()
    rounds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _round in range(ROUNDS):
        for side in SIDES:
            seconds, output = run(side)
            require(changes(output) == 0, f"{side} changed something on a converged host: {output}")
            rounds[side].append(seconds)
    text = report(module, rounds, {side: work(side) for side in SIDES})
    (HERE / "RESULTS.md").write_text(text)
    print(text)


def prepare() -> None:
    """See either side converge a host that has nothing, and a second run of it change nothing."""
    stock = STOCK[-1]
    require(changes(run(stock)[1]) > 0, "the role of stock modules has nothing to do on a fresh host")
    play("prove", {})
    require(changes(run(stock)[1]) == 0, "the role of stock modules is not idempotent")
    play("teardown", {})
    require(changes(run(OURS)[1]) > 0, "the role emulation has nothing to do on a fresh host")
    play("prove", {})
    # Whatever either still finds to do beside the other is done now.
    for side in (stock, OURS):
        run(side)


def binfmt_seconds() -> list[float]:
    """The module alone, as Ansible starts it on the host: a process of the host's Python."""
    arguments = {"platforms": TEN, "boot": "systemd"}
    module = "ansible_collections.trusted.crossbuild.plugins.modules.binfmt"
    library = subprocess.run(
        [sys.executable, "-c", "import ansible; print(*ansible.__path__)"], check=True, capture_output=True, text=True
    ).stdout.strip()
    paths = f"{Path(library).parent}:{os.environ['ANSIBLE_COLLECTIONS_PATH']}"
    measured = []
    with tempfile.NamedTemporaryFile("w") as file:
        json.dump({"ANSIBLE_MODULE_ARGS": arguments}, file)
        file.flush()
        for attempt in range(ROUNDS + 1):
            start = time.monotonic()
            done = subprocess.run(
                [PYTHON, "-m", module, file.name],
                env={**os.environ, "PYTHONPATH": paths},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.monotonic() - start
            require(done.returncode == 0, f"binfmt failed: {done.stdout}{done.stderr}")
            if attempt > 0:  # the first run registers what is missing
                require(not json.loads(done.stdout)["changed"], f"binfmt is not converged: {done.stdout}")
                measured.append(seconds)
    return measured


def run(side: str) -> tuple[float, str]:
    playbook, variables = SIDES[side]
    return play(playbook, variables)


def play(playbook: str, variables: dict[str, object], *options: str) -> tuple[float, str]:
    """The seconds and the output of a run. Ends the measurement where it fails."""
    command = ["ansible-playbook", "--inventory", "localhost,", "--connection", "local"]
    command += [
        "--extra-vars",
        json.dumps({**VARIABLES, **variables}),
        *options,
        str(HERE / f"playbooks/{playbook}.yml"),
    ]
    start = time.monotonic()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    require(done.returncode == 0, f"{playbook} failed: {done.stdout}{done.stderr}")
    return seconds, done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_ROLES_PATH": str(HERE / "roles"), "ANSIBLE_NOCOLOR": "1"}


def changes(output: str) -> int:
    found = re.search(r"localhost +: ok=\d+ +changed=(\d+) ", output)
    return int(found.group(1)) if found else 0  # an empty playbook has no recap


def work(side: str) -> tuple[int, int]:
    """How many tasks a run has, and how many modules it starts on the host; Ansible itself counts, when asked to tell."""
    playbook, variables = SIDES[side]
    _seconds, output = play(playbook, variables, "-vvv")
    return len(re.findall(r"(?m)^TASK \[", output)), output.count("Using module file")


def report(module: list[float], rounds: dict[str, list[float]], work: dict[str, tuple[int, int]]) -> str:
    median = {side: statistics.median(seconds) for side, seconds in rounds.items()}
    net = {side: median[side] - median[EMPTY] for side in SIDES}
    rows = [
        f"| {side} | {work[side][0]} | {work[side][1]} | {median[side]:.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
        f" | {net[side]:.2f} |"
        for side, seconds in rounds.items()
    ]
    ratios = [
        f"- {side}: {median[side] / median[OURS]:.1f} times as long in all, {net[side] / net[OURS]:.1f} times without the"
        f" start of Ansible, {work[side][1] / work[OURS][1]:.1f} times as many modules started."
        for side in STOCK
    ]
    worst = min(net[side] / net[OURS] for side in STOCK)
    verdict = "reached" if worst >= TARGET else "missed"
    return "\n".join(
        [
            "# What a run costs on a host that needs nothing",
            "",
            f"Measured {datetime.date.today()} by `make bench-emulation`: {ROUNDS} rounds, in each of which every side runs",
            "once; medians in seconds (fastest-slowest). Linux/arm/v7 and linux/arm64, local connection, in the laboratory.",
            "",
            f"{machine()}",
            "",
            "| | tasks | modules started | seconds | without Ansible's start |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "Beside the collection's role, which also proves by running programs what stock modules can only look up:",
            "",
            *ratios,
            "",
            f"The target, a fifth of the time that Ansible's start leaves, is {verdict}.",
            "",
            f"`trusted.crossbuild.binfmt` for {len(TEN)} platforms, all of them proven by running a program: the module's process"
            f" takes {statistics.median(module):.2f} s ({min(module):.2f}-{max(module):.2f}).",
            "",
        ]
    )


def machine() -> str:
    models = re.findall(r"(?m)^model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    core = subprocess.run(["ansible-playbook", "--version"], check=True, capture_output=True, text=True).stdout
    load = os.getloadavg()[1]
    version = re.search(r"core ([\d.]+)", core)
    host = platform.freedesktop_os_release()["PRETTY_NAME"]
    return (
        f"{models[0]}, {len(models)} cores, load {load:.1f}; {host}, Linux {platform.release()};"
        f" ansible-core {version.group(1) if version else core}, Python {platform.python_version()}."
    )


def require(condition: object, otherwise: str) -> None:
    if not condition:
        sys.exit(f"bench: {otherwise}")


if __name__ == "__main__":
    main()
