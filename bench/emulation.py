# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs on a host that needs nothing: the role emulation beside a role of stock modules that does the same.

Both find the same host, and take turns, so that a busy machine is as busy for either. Each is first seen doing its job
from nothing. Runs in the laboratory only, by `make bench-emulation`, and writes RESULTS.md beside this file.
"""

from __future__ import annotations

import re
import statistics

from measure import (
    HERE,
    OUR_MODULES,
    cost,
    module_cost,
    playbook_cost,
    require,
    require_laboratory,
    spread,
    write_section,
)

ROUNDS = 7
TARGET = 5
# Nothing of systemd runs in the laboratory, but the configuration for a boot counts for both sides.
VARIABLES: dict[str, object] = {"emulation_boot": "systemd"}
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
    require_laboratory()
    cost(["apt-get", "-qq", "update"])
    prepare()
    module = binfmt_seconds()
    rounds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _round in range(ROUNDS):
        for side in SIDES:
            seconds, output = run(side)
            require(changes(output) == 0, f"{side} changed something on a converged host: {output}")
            rounds[side].append(seconds)
    write_section("A host that needs nothing", report(module, rounds, {side: work(side) for side in SIDES}))


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
    """The module alone, converged."""
    arguments: dict[str, object] = {"platforms": TEN, "boot": "systemd"}
    module_cost(f"{OUR_MODULES}.binfmt", arguments)  # registers what is missing
    measured = []
    for _round in range(ROUNDS):
        ran, result = module_cost(f"{OUR_MODULES}.binfmt", arguments)
        require(not result["changed"], f"binfmt is not converged: {result}")
        measured.append(ran.seconds)
    return measured


def run(side: str) -> tuple[float, str]:
    playbook, variables = SIDES[side]
    return play(playbook, variables)


def play(playbook: str, variables: dict[str, object], *options: str) -> tuple[float, str]:
    """The seconds and the output of a run."""
    ran = playbook_cost(HERE / f"playbooks/{playbook}.yml", {**VARIABLES, **variables}, *options)
    return ran.seconds, ran.output


def changes(output: str) -> int:
    found = re.search(r"localhost +: ok=\d+ +changed=(\d+) ", output)
    return int(found.group(1)) if found else 0  # an empty playbook has no recap


def work(side: str) -> tuple[int, int]:
    """How many tasks a run has, and how many modules it starts on the host; Ansible itself counts, when asked to tell."""
    playbook, variables = SIDES[side]
    _seconds, output = play(playbook, variables, "-vvv")
    return len(re.findall(r"(?m)^TASK \[", output)), output.count("Using module file")


def report(module: list[float], rounds: dict[str, list[float]], work: dict[str, tuple[int, int]]) -> list[str]:
    median = {side: statistics.median(seconds) for side, seconds in rounds.items()}
    net = {side: median[side] - median[EMPTY] for side in SIDES}
    rows = [
        f"| {side} | {work[side][0]} | {work[side][1]} | {spread(seconds)} | {net[side]:.2f} |"
        for side, seconds in rounds.items()
    ]
    ratios = [
        f"- {side}: {median[side] / median[OURS]:.1f} times as long in all, {net[side] / net[OURS]:.1f} times without the"
        f" start of Ansible, {work[side][1] / work[OURS][1]:.1f} times as many modules started."
        for side in STOCK
    ]
    worst = min(net[side] / net[OURS] for side in STOCK)
    return [
        f"`make bench-emulation`, {ROUNDS} rounds. Linux/arm/v7 and linux/arm64, local connection, in the laboratory.",
        "",
        "| | tasks | modules started | seconds | without Ansible's start |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        "Beside the collection's role, which also proves by running programs what stock modules can only look up:",
        "",
        *ratios,
        "",
        f"The target, a fifth of the time that Ansible's start leaves, is {'reached' if worst >= TARGET else 'missed'}.",
        "",
        f"`trusted.crossbuild.binfmt` for {len(TEN)} platforms, all of them proven by running a program: the module's process"
        f" takes {spread(module)} s.",
    ]


if __name__ == "__main__":
    main()
