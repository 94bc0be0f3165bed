# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs on a fleet that needs nothing: site.yml beside a playbook of stock modules that does the same.

By ssh, on more and more of the hosts that tests/hosts/hosts started, all of Debian 12. Both sides find the same hosts and
take turns. Runs in the hosts' surroundings only, by `make bench-fleet`, and writes RESULTS.md beside this file.
"""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
from dataclasses import dataclass
from pathlib import Path

from measure import HERE, cost, require, require_laboratory, spread, write_section

ROUNDS = 3
SIZES = (1, 5, 10, 20)
TARGET = 5
MOST_MODULES = 3
BAR = 40  # characters, of the longest one

SITE = HERE.parent / "playbooks/site.yml"
STOCK = HERE / "playbooks/stock_builders.yml"
VERIFY = HERE.parent / "playbooks/verify.yml"
# What is run, as a person reads it, the playbook, and its variables.
OURS, BARE, FACTS = "`site.yml`", "stock modules", "stock modules, facts gathered"
SIDES: dict[str, tuple[Path, dict[str, object]]] = {
    OURS: (SITE, {}),
    BARE: (STOCK, {"facts": False}),
    FACTS: (STOCK, {"facts": True}),
}

Seconds = dict[int, list[float]]  # by the number of hosts, of each round


@dataclass(frozen=True)
class Run:
    """Of a playbook: wall time, processor time of the controller, both in seconds, and what it printed."""

    seconds: float
    processor: float
    output: str


def main() -> None:
    require_laboratory()
    hosts = list(json.loads(Path(os.environ["ANSIBLE_INVENTORY"]).read_text())["build_hosts"]["hosts"])
    sizes = [size for size in SIZES if size <= len(hosts)]
    prepare(hosts)
    work = {side: modules(side, hosts[0]) for side in SIDES}
    rounds: dict[str, Seconds] = {side: {size: [] for size in sizes} for side in SIDES}
    processor: dict[str, Seconds] = {side: {size: [] for size in sizes} for side in SIDES}
    for _round in range(ROUNDS):
        for size in sizes:
            for side in SIDES:
                ran = run(side, hosts[:size])
                require(changes(ran.output) == [0] * size, f"{side} changed something on converged hosts: {ran.output}")
                rounds[side][size].append(ran.seconds)
                processor[side][size].append(ran.processor)
    write_section("A fleet that needs nothing", report(sizes, rounds, processor, work))


def prepare(hosts: list[str]) -> None:
    """See either side converge what it finds, and a second run change nothing."""
    for side in (OURS, FACTS):
        run(side, hosts)
    play(VERIFY, hosts, {})
    for side in (FACTS, OURS):
        run(side, hosts)  # what either still finds to do beside the other


def run(side: str, hosts: list[str], *options: str) -> Run:
    playbook, variables = SIDES[side]
    return play(playbook, hosts, variables, *options)


def play(playbook: Path, hosts: list[str], variables: dict[str, object], *options: str) -> Run:
    command = ["ansible-playbook", "--limit", ",".join(hosts), "--extra-vars", json.dumps(variables), *options]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = cost([*command, str(playbook)], {"ANSIBLE_ROLES_PATH": str(HERE / "roles"), "ANSIBLE_NOCOLOR": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(ran.seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ran.output)


def changes(output: str) -> list[int]:
    return [int(count) for count in re.findall(r"(?m)^\S+ +: ok=\d+ +changed=(\d+) ", output)]


def modules(side: str, host: str) -> int:
    """How many modules a run starts on a host; Ansible itself counts, when asked to tell."""
    return run(side, [host], "-vvv").output.count("Using module file")


def report(
    sizes: list[int], rounds: dict[str, Seconds], processor: dict[str, Seconds], work: dict[str, int]
) -> list[str]:
    median = {side: {size: statistics.median(seconds[size]) for size in sizes} for side, seconds in rounds.items()}
    most = sizes[-1]
    rows = [f"| {side} | {work[side]} | {' | '.join(spread(rounds[side][size]) for size in sizes)} |" for side in SIDES]
    of_controller = [f"{side} {statistics.median(processor[side][most]) / most:.2f}" for side in SIDES]
    ratios = [f"{side} {median[side][most] / median[OURS][most]:.1f} times as long as {OURS}" for side in (BARE, FACTS)]
    per_host = {side: [median[side][size] / size for size in sizes] for side in SIDES}
    longest = max(max(values) for values in per_host.values())
    plot = [
        f"    {side.strip('`'):<30} {size:>3}  {'#' * max(round(BAR * value / longest), 1)} {value:.2f}"
        for side in SIDES
        for size, value in zip(sizes, per_host[side], strict=True)
    ]
    reached = median[BARE][most] >= TARGET * median[OURS][most] and work[OURS] <= MOST_MODULES
    return [
        f"`make bench-fleet`, {ROUNDS} rounds; {os.environ['ANSIBLE_FORKS']} forks. Engine, linux/arm/v7 and linux/arm64, on"
        " Debian 12 by ssh; hosts and controller share the processors.",
        "",
        f"| | modules started a host | {' | '.join(f'{size} hosts' for size in sizes)} |",
        f"| --- | --- | {' | '.join('---' for _size in sizes)} |",
        *rows,
        "",
        f"On {most} hosts: {'; '.join(ratios)}, which also proves by running programs what they can only look up.",
        "",
        f"Of that the controller's processor time, seconds a host, on {most} hosts: {'; '.join(of_controller)}.",
        "",
        f"The target, a fifth of the time of stock modules and at most {MOST_MODULES} modules a host, is"
        f" {'reached' if reached else 'missed'}.",
        "",
        "Seconds a host, by the number of hosts:",
        "",
        *plot,
    ]


if __name__ == "__main__":
    main()
