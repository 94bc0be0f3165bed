# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a farm saves: build.yml on four hosts, on one, and a playbook of stock modules by which each host builds all.

Four engines with the network and the registry of the target image_farm. An engine and all that its builds run get half
a processor, so that no host builds faster because another one has nothing to do. Every side of every round has images of its own,
so that nothing is found that another one built. Runs in the laboratory only, by `make bench-farm`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from images import CLIENT, TASK_STARTS, reached, task_seconds
from measure import HERE, Cost, cost, require, require_laboratory, spread, write_section

ROUNDS = 3
IMAGES, PLATFORMS = 12, ("armhf", "arm64")
BUILDS = IMAGES * len(PLATFORMS)
ENGINES = (1, 2, 3, 4)
QUOTA = 0.5  # of a processor, for each engine
FASTER, SECOND_RUN = 3, 1.0
COUNT = 60_000  # that a step counts to, which takes the emulator one to two seconds

REGISTRY = "10.99.0.1:5000"
TARGETS = HERE.parent / "tests/integration/targets"
FARM = TARGETS / "image_farm"
STATE = Path("/tmp/image_farm")
CONTROLLER = Path("/sys/fs/cgroup/cpu")
OURS, ONE, STOCK, AGAIN = (
    "`build.yml`, 4 hosts",
    "`build.yml`, 1 host",
    "stock modules, each of 4 hosts",
    "`build.yml` again",
)
BUILD, STOCK_BUILDS = HERE.parent / "playbooks/build.yml", HERE / "playbooks/stock_builds.yml"
BURN = "i=0; while [ $i -lt {count} ]; do i=$((i+1)); done"


def main() -> None:
    require_laboratory()
    require(
        (CONTROLLER / "cpu.cfs_quota_us").exists(), f"{CONTROLLER} is to be the processor's cgroup hierarchy, version 1"
    )
    sides = (OURS, AGAIN, ONE, STOCK)
    ran: dict[str, list[Cost]] = {side: [] for side in sides}
    built: dict[str, list[int]] = {side: [] for side in sides}
    with farm(), tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        share = processor_share()
        require(share < 1.2 * QUOTA, f"a build got {share:.2f} of a processor: the limit does not hold")
        for number in range(ROUNDS):
            images = {name: image_list(Path(directory), f"{name}{number}") for name in ("ours", "one", "stock")}
            for side, name in zip(sides, ("ours", "ours", "one", "stock"), strict=True):
                before = made()
                ran[side].append(run(side, images[name], Path(directory), sys.argv[1]))
                built[side].append(made() - before)
    write_section("A farm of four hosts, half a processor each", report(ran, built, share))


@contextmanager
def farm() -> Iterator[None]:
    STATE.mkdir()
    playbook(FARM / "setup.yml")
    try:
        for number in ENGINES:
            group = CONTROLLER / f"bench{number}"
            group.mkdir()
            (group / "cpu.cfs_quota_us").write_text(str(round(QUOTA * int((group / "cpu.cfs_period_us").read_text()))))
            start = ["sh", "-c", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "sh", group]
            subprocess.run(
                [*start, FARM / "engine.sh", "start", str(number), f"--cgroup-parent=/{group.name}"], check=True
            )
        yield
    finally:
        for number in ENGINES:
            subprocess.run([FARM / "engine.sh", "stop", str(number)], check=True)


def processor_share() -> float:
    """What a step that does nothing but compute gets, while no other engine builds: by its own account, and the clock's."""
    step = f"cut -d' ' -f1 /proc/uptime; {BURN.format(count=4 * COUNT)}; cut -d' ' -f1 /proc/uptime; times"
    dockerfile = f"FROM {REGISTRY}/base:armhf\nRUN {step}\n"
    said = subprocess.run(
        [CLIENT, "--host", engine(1), "build", "--network=none", "-"],
        input=dockerfile, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "DOCKER_BUILDKIT": "0"},
    ).stdout  # fmt: skip
    begin, end = map(float, re.findall(r"(?m)^(\d+\.\d+)$", said))
    [(minutes, seconds)] = re.findall(r"(?m)^(\d+)m([\d.]+)s \S+$", said)[:1]
    return (60 * int(minutes) + float(seconds)) / (end - begin)


def engine(number: int) -> str:
    return f"unix://{STATE}/{number}/engine"


def made() -> int:
    """How many images with a name the engines have that are no base images."""
    every = [
        cost([CLIENT, "--host", engine(number), "image", "ls", "--format={{.Repository}}"]).output for number in ENGINES
    ]
    return len(re.findall(rf"(?m)^{REGISTRY}/(?!base$|ledger$)\S+$", "\n".join(every)))


def image_list(directory: Path, name: str) -> list[dict[str, object]]:
    """Images whose only step computes, each another step; and the same as contexts, for those who need one."""
    images: list[dict[str, object]] = []
    for number in range(IMAGES):
        image = f"{name}-{number}"
        dockerfile = f"FROM {REGISTRY}/base:1\nRUN echo {image} >/name; {BURN.format(count=COUNT)}\n"
        (directory / image).mkdir()
        (directory / image / "Dockerfile").write_text(dockerfile)
        named = {"name": f"{REGISTRY}/{image}:1.0", "platforms": PLATFORMS, "network": "none"}
        images.append({**named, "path": str(directory / image)})
    return images


def run(side: str, images: list[dict[str, object]], directory: Path, peers: str) -> Cost:
    variables = json.dumps({"crossbuild_images": images, "contexts": str(directory)})
    hosts = "farm1" if side == ONE else "farm*"
    path = STOCK_BUILDS if side == STOCK else BUILD
    options = ["--forks", str(len(ENGINES)), "--limit", hosts, "--extra-vars", variables]
    collections = [os.environ["ANSIBLE_COLLECTIONS_PATH"], peers]
    return playbook(path, *options, ANSIBLE_COLLECTIONS_PATH=":".join(collections), **TASK_STARTS)


def playbook(path: Path, *options: str, **environment: str) -> Cost:
    command = ["ansible-playbook", "--inventory", str(FARM / "inventory.yml"), *options, str(path)]
    return cost(command, {"ANSIBLE_ROLES_PATH": str(TARGETS), "ANSIBLE_NOCOLOR": "1", **environment})


def building(ran: Cost) -> float:
    """The seconds of the tasks that build."""
    return sum(sum(seconds) for name, seconds in task_seconds(ran.output).items() if name.endswith("Build"))


def report(ran: dict[str, list[Cost]], built: dict[str, list[int]], share: float) -> list[str]:
    whole = {side: [one.seconds for one in costs] for side, costs in ran.items()}
    part = {side: [building(one) for one in costs] for side, costs in ran.items()}
    median = {side: statistics.median(seconds) for side, seconds in part.items()}
    again = statistics.median(whole[AGAIN]) / len(ENGINES)
    counts = {side: "/".join(map(str, sorted(set(numbers)))) for side, numbers in built.items()}
    rows = [f"| {side} | {counts[side]} | {spread(part[side])} | {spread(whole[side])} |" for side in ran]
    faster = median[ONE] / median[OURS]
    once = set(built[OURS]) == set(built[ONE]) == {BUILDS}
    nothing = set(built[AGAIN]) == {0} and again < SECOND_RUN
    return [
        f"`make bench-farm`, {ROUNDS} rounds. {IMAGES} images for {' and '.join(PLATFORMS)}, both emulated, each with a step that"
        f" computes. An engine with its builds has {QUOTA} of a processor (a step got {share:.2f}); Ansible has what is left, and on"
        " the side of stock modules nothing is pushed and joined.",
        "",
        "| | images built | seconds, the tasks that build | seconds, all |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"The target, {BUILDS} builds and not {BUILDS * len(ENGINES)}, is {reached(once)}.",
        f"The target, at least {FASTER} times faster than one host in what is emulated, is {reached(faster >= FASTER)}:"
        f" {faster:.1f} times; {median[STOCK] / median[OURS]:.1f} times faster than where each host builds all.",
        f"The target, a second run that builds nothing, in less than {SECOND_RUN:.0f} second a host, is {reached(nothing)}:"
        f" {again:.2f} seconds a host.",
    ]


if __name__ == "__main__":
    main()
