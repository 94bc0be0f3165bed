# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What finding out costs that an image needs no build: docker_image beside those who ask the engine's cache.

Every side has built its own image of the same context before. Then: a byte changed in one of the files, whose size and
modification time stay; and the memory that a build of a large context takes. Runs in the laboratory only, by
`make bench-images`, and writes each of its sections of RESULTS.md as soon as it has it.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from measure import (
    HERE,
    OUR_MODULES,
    PYTHON,
    Cost,
    cost,
    module_cost,
    module_peak,
    playbook_cost,
    require,
    require_laboratory,
    spread,
    write_section,
)

PLATFORM = "linux/arm/v7"
# The engine's own: a machine may have another one first in its PATH.
CLIENT = "/usr/bin/docker"
PEER_MODULES = "ansible_collections.community.docker.plugins.modules"
AGAIN = "`docker_image`, as from its third time on"
OURS, OURS_BUILDX = "`docker_image`, its module, builder: classic", "`docker_image`, its module, builder: buildx"
CLASSIC, BUILDKIT = "`docker build`, classic", "`docker build`, its BuildKit"
BUILDX, PEER = "`docker buildx build`", "`community.docker.docker_image_build`, rebuild: always"
TAGS = {
    AGAIN: "again",
    OURS: "ours",
    OURS_BUILDX: "ours-buildx",
    CLASSIC: "classic",
    BUILDKIT: "buildkit",
    BUILDX: "buildx",
    PEER: "peer",
}
# How much faster than a cached `docker build`, by the number of files.
TARGETS = {10_000: 20, 100_000: 8}
TASK, TASK_BUILDX = "`docker_image`, builder: classic", "`docker_image`, builder: buildx"
MODULE, PING = "`docker_image`, its module without the action plugin", "`ansible.builtin.ping`"
TASKS = 10
TASK_STARTS = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "task_starts"}
CONTEXT = "Each context is `FROM scratch` and `COPY . /`, and lies in memory, as what the engine keeps does."


class Sides:
    """The ways to have an image of one context, each under a tag of its own. ``chosen`` are those that are measured."""

    def __init__(self, context: Path, peers: str, chosen: Iterable[str] = tuple(TAGS)) -> None:
        self.context = context
        self.peers = peers
        self.chosen = chosen
        self.subject = f"bench {context}"

    def all(self) -> dict[str, Callable[[], Cost]]:
        ways = {
            AGAIN: self.again,
            OURS: lambda: self.ours("classic"),
            OURS_BUILDX: lambda: self.ours("buildx"),
            CLASSIC: lambda: self.client(CLASSIC, ["build"], DOCKER_BUILDKIT="0"),
            BUILDKIT: lambda: self.client(BUILDKIT, ["build"], DOCKER_BUILDKIT="1"),
            BUILDX: lambda: self.client(BUILDX, ["buildx", "build"]),
            PEER: self.peer,
        }
        return {name: ways[name] for name in self.chosen}

    def again(self) -> Cost:
        """What the action plugin has the host run: first whether the last answer still holds, and if not, the module."""
        source = (collection() / "plugins/module_utils/_evidence.py").read_text()
        asked = cost([PYTHON, "-I", "-S", "-c", source, self.subject])
        if asked.output:
            return asked
        arguments = {**self.arguments(AGAIN, "classic"), "_progress": {"unchanged": self.subject}}
        ran, _result = module_cost(f"{OUR_MODULES}.docker_image", arguments)
        return Cost(asked.seconds + ran.seconds, ran.output)

    def ours(self, builder: str) -> Cost:
        ran, _result = module_cost(f"{OUR_MODULES}.docker_image", self.of_module(builder))
        return ran

    def of_module(self, builder: str) -> dict[str, object]:
        return self.arguments(OURS if builder == "classic" else OURS_BUILDX, builder)

    def arguments(self, side: str, builder: str) -> dict[str, object]:
        return {"name": f"bench/{TAGS[side]}", "path": str(self.context), "platforms": [PLATFORM], "builder": builder}

    def client(self, side: str, command: list[str], **environment: str) -> Cost:
        options = ["--quiet", "--platform", PLATFORM, "--tag", f"bench/{TAGS[side]}", str(self.context)]
        return cost([CLIENT, *command, *options], environment)

    def peer(self) -> Cost:
        arguments: dict[str, object] = {"name": f"bench/{TAGS[PEER]}", "path": str(self.context), "rebuild": "always"}
        ran, _result = module_cost(
            f"{PEER_MODULES}.docker_image_build",
            {**arguments, "platform": [PLATFORM], "docker_cli": CLIENT},
            self.peers,
        )
        return ran


def main() -> None:
    require_laboratory()
    prepare()
    few(sys.argv[1])
    many(sys.argv[1])


def few(peers: str) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        small = Sides(context(Path(directory) / "small", files=10_000, size=8_800), peers)
        write_section("An unchanged image of 10,000 files", [CONTEXT, "", *unchanged(small, 10_000, rounds=7)])
        write_section("A whole task for an unchanged image of 10,000 files", whole_task(small, Path(directory)))
        write_section("One byte changed in one of 10,000 files, same size and modification time", one_byte(small, 5))
        clear(small)
        large = Sides(bulk(Path(directory) / "bulk"), peers)
        write_section("Memory for a context of 2 GiB", memory(large))
        clear(large)


def many(peers: str) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        # The classic builder, cached or not, takes minutes: it looks for each file's digest in a list of all files. So it
        # builds for nobody but itself, and once. The peer that is left out builds as docker build does.
        sides = Sides(
            context(Path(directory) / "many", files=100_000, size=880),
            peers,
            [AGAIN, OURS_BUILDX, BUILDKIT, BUILDX, CLASSIC],
        )
        write_section("An unchanged image of 100,000 files", [CONTEXT, "", *unchanged(sides, 100_000, rounds=1)])


def prepare() -> None:
    """An engine with buildx and the SDK, by this collection, and the emulator that is part of the key."""
    playbook_cost(HERE / "playbooks/engine.yml", {})


def context(path: Path, files: int, size: int) -> Path:
    """A directory of files of random bytes, a hundred to a directory, that look a day old."""
    generator = random.Random(files)
    for number in range(files):
        file = path / f"{number // 100:04}" / f"{number:06}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(generator.randbytes(size))
        os.utime(file, (1_700_000_000, 1_700_000_000))
    (path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    time.sleep(3)  # what is younger is not remembered
    return path


def bulk(path: Path) -> Path:
    """Twenty sparse files: they take no room here, and all of their 2 GiB are read, hashed and sent."""
    path.mkdir()
    for number in range(20):
        (path / f"{number:02}").touch()
        os.truncate(path / f"{number:02}", (2 << 30) // 20)
    (path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return path


def collection() -> Path:
    return Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections/trusted/crossbuild"


def clear(sides: Sides) -> None:
    """Gives back the memory that a context and its images take."""
    shutil.rmtree(sides.context)
    cost([CLIENT, "system", "prune", "--all", "--force"])


def unchanged(sides: Sides, files: int, rounds: int) -> list[str]:
    everyone = sides.all()
    for side in everyone.values():
        side()
    everyone[AGAIN]()  # that there is nothing to do is remembered the first time that it is so
    before = {side: image(side) for side in everyone}
    seconds: dict[str, list[float]] = {side: [] for side in everyone}
    for _round in range(rounds):
        for name, side in everyone.items():
            seconds[name].append(side().seconds)
    require(before == {side: image(side) for side in before}, "an image of an unchanged context became another one")
    median = {name: statistics.median(measured) for name, measured in seconds.items()}
    ours = median[next(iter(everyone))]
    rows = [f"| {name} | {spread(seconds[name])} | {median[name] / ours:.1f} |" for name in everyone]
    target, factor = TARGETS[files], median[CLASSIC] / ours
    size = sum(file.stat().st_size for file in sides.context.rglob("*") if file.is_file()) / 1e6
    return [
        f"{files:,} files, {size:.0f} MB, rounds: {rounds}. Of modules it is the process on the host, without Ansible's part.",
        "",
        "| | seconds | times as long |",
        "| --- | --- | --- |",
        *rows,
        "",
        f"The target, {target} times faster than a cached `docker build`, is {reached(factor >= target)}.",
    ]


def reached(is_reached: bool) -> str:
    return "reached" if is_reached else "missed"


def image(side: str) -> str:
    return cost([CLIENT, "image", "inspect", "--format", "{{.Id}}", f"bench/{TAGS[side]}"]).output


def whole_task(sides: Sides, directory: Path) -> list[str]:
    """Of tasks in a play, Ansible's part of them included."""
    peer = {"name": f"bench/{TAGS[PEER]}", "path": str(sides.context), "rebuild": "always", "platform": [PLATFORM]}
    ways: dict[str, tuple[str, dict[str, object]]] = {
        TASK: ("trusted.crossbuild.docker_image", sides.of_module("classic")),
        TASK_BUILDX: ("trusted.crossbuild.docker_image", sides.of_module("buildx")),
        MODULE: ("bench.plain.docker_image", sides.of_module("classic")),
        PING: ("ansible.builtin.ping", {}),
        PEER: ("community.docker.docker_image_build", {**peer, "docker_cli": CLIENT}),
    }
    tasks = [{"name": way, module: arguments} for way, (module, arguments) in ways.items()] * TASKS
    playbook = directory / "tasks.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    without_plugin(directory / "collections")
    paths = [os.environ["ANSIBLE_COLLECTIONS_PATH"], str(directory / "collections"), sides.peers]
    ran = playbook_cost(playbook, {}, ANSIBLE_COLLECTIONS_PATH=":".join(paths), **TASK_STARTS)
    seconds = task_seconds(ran.output)
    require(f"changed={TASKS} " in ran.output, f"others than the peer changed something: {ran.output}")
    median = {way: statistics.median(seconds[way]) for way in ways}
    return [
        f"In one play, by a local connection, {TASKS} tasks of each in turn, from the start of one to that of the next.",
        "",
        "| | seconds | times as long |",
        "| --- | --- | --- |",
        *[f"| {way} | {spread(seconds[way])} | {median[way] / median[TASK]:.1f} |" for way in ways],
        "",
        f"The target, a whole task under 0.5 s, is {reached(median[TASK] < 0.5)}.",
    ]


def task_seconds(output: str) -> dict[str, list[float]]:
    """By the name of the task, from what callbacks/task_starts.py prints."""
    starts = [(float(time), name) for time, name in re.findall(r"(?m)^started ([\d.]+) (.*)$", output)]
    seconds: dict[str, list[float]] = {}
    for (begin, name), (end, _next) in itertools.pairwise(starts):
        seconds.setdefault(name, []).append(end - begin)
    return seconds


def without_plugin(collections: Path) -> None:
    """The module under another name, which no action plugin has."""
    modules = collections / "ansible_collections/bench/plain/plugins/modules"
    modules.mkdir(parents=True)
    shutil.copy(collection() / "plugins/modules/docker_image.py", modules)


def one_byte(sides: Sides, rounds: int) -> list[str]:
    """Who notices a byte that changed in a file of the same size and modification time: is the image another one?"""
    everyone = sides.all()
    seen = dict.fromkeys(everyone, 0)
    generator = random.Random(0)
    files = sorted(sides.context.glob("*/*"))
    for _round in range(rounds):
        before = {name: image(name) for name in everyone}
        change_a_byte(generator.choice(files))
        for name, side in everyone.items():
            side()
            seen[name] += image(name) != before[name]
    require(seen[AGAIN] == seen[OURS] == seen[OURS_BUILDX] == rounds, f"docker_image missed a changed file: {seen}")
    return ["| | noticed |", "| --- | --- |", *[f"| {name} | {times} of {rounds} |" for name, times in seen.items()]]


def change_a_byte(file: Path) -> None:
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def memory(sides: Sides) -> list[str]:
    peaks = {
        side: module_peak(f"{OUR_MODULES}.docker_image", sides.of_module(builder))
        for side, builder in ((OURS, "classic"), (OURS_BUILDX, "buildx"))
    }
    rows = [f"| {side} | {own:.0f} | {children:.0f} |" for side, (own, children) in peaks.items()]
    worst = max(own for own, _children in peaks.values())
    return [
        "The first build of twenty sparse files, `FROM scratch` and `COPY . /`: the largest resident set in MiB (VmHWM) of the"
        " module's process, and of the largest process that it started.",
        "",
        "| | module | child |",
        "| --- | --- | --- |",
        *rows,
        "",
        f"The target, under 100 MB, is {reached(worst * (1 << 20) < 100e6)}.",
    ]


if __name__ == "__main__":
    main()
