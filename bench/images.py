# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What finding out costs that an image needs no build: docker_image beside those who ask the engine's cache.

Every side has built its own image of the same context before. Then: a byte changed in one of the files, whose size and
modification time stay; and the memory that a build of a large context takes. Runs in the laboratory only, by
`make bench-images`, and writes its section of RESULTS.md.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import (
    HERE,
    OUR_MODULES,
    PYTHON,
    Cost,
    cost,
    module_cost,
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
OURS = "`docker_image`"
CLASSIC, BUILDKIT = "`docker build`, classic", "`docker build`, its BuildKit"
BUILDX, PEER = "`docker buildx build`", "`community.docker.docker_image_build`, rebuild: always"
TARGETS = {10_000: 20, 100_000: 8}
TASKS = 10


class Sides:
    """The ways to have an image of one context, each under a tag of its own."""

    def __init__(self, context: Path, peers: str) -> None:
        self.context = context
        self.peers = peers

    def all(self) -> dict[str, Callable[[], Cost]]:
        return {
            OURS: self.ours,
            CLASSIC: lambda: self.client("classic", ["build"], DOCKER_BUILDKIT="0"),
            BUILDKIT: lambda: self.client("buildkit", ["build"], DOCKER_BUILDKIT="1"),
            BUILDX: lambda: self.client("buildx", ["buildx", "build"]),
            PEER: self.peer,
        }

    def ours(self) -> Cost:
        ran, _result = module_cost(f"{OUR_MODULES}.docker_image", self.arguments())
        return ran

    def arguments(self) -> dict[str, object]:
        return {"name": "bench/ours", "path": str(self.context), "platforms": [PLATFORM], "builder": "classic"}

    def client(self, tag: str, command: list[str], **environment: str) -> Cost:
        options = ["--quiet", "--platform", PLATFORM, "--tag", f"bench/{tag}", str(self.context)]
        return cost([CLIENT, *command, *options], environment)

    def peer(self) -> Cost:
        arguments: dict[str, object] = {"name": "bench/peer", "path": str(self.context), "rebuild": "always"}
        ran, _result = module_cost(
            f"{PEER_MODULES}.docker_image_build",
            {**arguments, "platform": [PLATFORM], "docker_cli": CLIENT},
            self.peers,
        )
        return ran


def main() -> None:
    require_laboratory()
    prepare()
    peers = sys.argv[1]
    lines = ["`make bench-images`, in the laboratory; each context is `FROM scratch` and `COPY . /`.", ""]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        small = context(Path(directory) / "small", files=10_000, size=8_800)
        lines += unchanged(Sides(small, peers), 10_000, rounds=7) + whole_task(Sides(small, peers))
        lines += one_byte(Sides(small, peers), rounds=5)
        shutil.rmtree(small)
        large = context(Path(directory) / "large", files=100_000, size=880)
        lines += unchanged(Sides(large, peers), 100_000, rounds=3)
        shutil.rmtree(large)
        lines += memory(Sides(context(Path(directory) / "bulk", files=20, size=100 << 20), peers))
    write_section("An image that needs no build", lines)


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
    return path


def unchanged(sides: Sides, files: int, rounds: int) -> list[str]:
    everyone = sides.all()
    for side in everyone.values():
        side()
    before = {tag: image(tag) for tag in ("ours", "classic", "buildkit", "buildx", "peer")}
    seconds: dict[str, list[float]] = {name: [] for name in everyone}
    for _round in range(rounds):
        for name, side in everyone.items():
            seconds[name].append(side().seconds)
    require(before == {tag: image(tag) for tag in before}, "an image of an unchanged context became another one")
    median = {name: statistics.median(measured) for name, measured in seconds.items()}
    rows = [f"| {name} | {spread(seconds[name])} | {median[name] / median[OURS]:.1f} |" for name in everyone]
    target = TARGETS[files]
    reached = median[CLASSIC] / median[OURS] >= target
    size = sum(file.stat().st_size for file in sides.context.rglob("*") if file.is_file()) / 1e6
    return [
        f"### {files:,} files, {size:.0f} MB, unchanged",
        "",
        "| | seconds | times as long |",
        "| --- | --- | --- |",
        *rows,
        "",
        f"{rounds} rounds. The target, {target} times faster than a cached `docker build`, is {'reached' if reached else 'missed'}.",
        "",
    ]


def image(tag: str) -> str:
    return cost([CLIENT, "image", "inspect", "--format", "{{.Id}}", f"bench/{tag}"]).output


def whole_task(sides: Sides) -> list[str]:
    """Of one task in a play, Ansible's part of it included."""
    measured: dict[int, list[float]] = {0: [], TASKS: []}
    for _round in range(5):
        for times, seconds in measured.items():
            variables: dict[str, object] = {"image": sides.arguments(), "times": times}
            ran = playbook_cost(HERE / "playbooks/image.yml", variables)
            require("changed=0" in ran.output, f"the image is not as it should be: {ran.output}")
            seconds.append(ran.seconds)
    each = (statistics.median(measured[TASKS]) - statistics.median(measured[0])) / TASKS
    return [f"A whole task of {OURS} in a play, of {TASKS} in a row: {each:.2f} s. Target: under 0.5 s.", ""]


def one_byte(sides: Sides, rounds: int) -> list[str]:
    """Who notices a byte that changed in a file of the same size and modification time: is the image another one?"""
    tags = {OURS: "ours", CLASSIC: "classic", BUILDKIT: "buildkit", BUILDX: "buildx", PEER: "peer"}
    seen = dict.fromkeys(tags, 0)
    generator = random.Random(0)
    files = sorted(sides.context.glob("*/*"))
    for _round in range(rounds):
        before = {name: image(tag) for name, tag in tags.items()}
        change_a_byte(generator.choice(files))
        for name, side in sides.all().items():
            side()
            seen[name] += image(tags[name]) != before[name]
    require(seen[OURS] == rounds, f"docker_image missed a changed file: {seen}")
    return [
        "### One byte changed in one of 10,000 files, same size and modification time",
        "",
        "| | noticed |",
        "| --- | --- |",
        *[f"| {name} | {times} of {rounds} |" for name, times in seen.items()],
        "",
    ]


def change_a_byte(file: Path) -> None:
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def memory(sides: Sides) -> list[str]:
    ran = sides.ours()
    idle = cost([PYTHON, "-c", "import docker"]).peak
    return [
        "### Memory",
        "",
        f"The build of a context of 2 GiB: the module's largest resident set is {ran.peak:.0f} MiB, of which importing the"
        f" Docker SDK takes {idle:.0f} MiB. Target: under 100 MB.",
    ]


if __name__ == "__main__":
    main()
