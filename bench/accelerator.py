# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What native tools save: builds of real projects, natively, emulated, and accelerated.

The projects are those of tests/accelerator, where it is also seen that the accelerated images are the emulated ones. Every
build begins at the beginning, on a base image that is there. Runs in the laboratory only, by `make bench-accelerator`.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests/accelerator"))

from builds import ACCELERATED, EMULATED, NATIVE, WAYS, build, prepare
from images import CLIENT, reached
from measure import cost, spread, write_section

ROUNDS = 3
LABEL = "trusted.crossbuild.accelerator"


@dataclass(frozen=True)
class Target:
    """How many times as fast as emulated, and how many times as long as native, which None leaves open."""

    words: str
    faster: float
    longer: float | None


TARGETS = {
    "zstd": Target("zstd's library, a C project", 10, 1.2),
    "lua": Target("lua, a small C project", 10, 1.2),
    "hello": Target("GNU hello, an autoconf project", 12, 1.6),
    "fmt": Target("fmt, a C++ project", 10, 1.3),
    "toolchain": Target("`apt-get install build-essential`", 2, None),
}
MEGABYTES = 60


def main() -> None:
    prepare()
    seconds: dict[str, dict[str, list[float]]] = {name: {way: [] for way in WAYS} for name in TARGETS}
    for number in range(ROUNDS):
        for name, measured in seconds.items():
            for way in WAYS:
                measured[way].append(build(name, way, f"{way}-{number}").seconds)
    write_section("Builds with native tools", report(seconds, megabytes()))


def megabytes() -> float:
    """Of the accelerator, as a registry would hold it."""
    image = cost([CLIENT, "image", "ls", "--quiet", "--filter", f"label={LABEL}"]).output.strip()
    return int(cost(["sh", "-c", f"{CLIENT} save {image} | gzip --stdout | wc --bytes"]).output) / 1e6


def report(seconds: dict[str, dict[str, list[float]]], size: float) -> list[str]:
    rows, results = [], []
    for name, target in TARGETS.items():
        median = {way: statistics.median(seconds[name][way]) for way in WAYS}
        faster, longer = median[EMULATED] / median[ACCELERATED], median[ACCELERATED] / median[NATIVE]
        most = median[EMULATED] / median[NATIVE]
        cells = [spread(seconds[name][way]) for way in WAYS]
        rows.append(f"| {target.words} | {' | '.join(cells)} | {faster:.1f} | {most:.1f} | {longer:.2f} |")
        missed = f"; a native build is {most:.1f} times as fast" if most < target.faster else ""
        results.append(
            f"- {target.words}: at least {target.faster} times as fast as emulated: {reached(faster >= target.faster)}{missed}."
        )
        if target.longer is not None:
            results.append(
                f"- {target.words}: at most {target.longer} times as long as native: {reached(longer <= target.longer)}."
            )
    return [
        f"`make bench-accelerator`, {ROUNDS} rounds. linux/arm/v7 and linux/amd64 on Debian 12; of `docker_image` it is the process on"
        " the host, without Ansible's part.",
        "",
        f"| | {' | '.join(WAYS)} | accelerated, times as fast as emulated | native, times as fast as emulated | accelerated, times as"
        " long as native |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "The targets:",
        "",
        *results,
        f"- the accelerator, {size:.1f} MB compressed, takes at most {MEGABYTES} MB: {reached(size <= MEGABYTES)}.",
    ]


if __name__ == "__main__":
    main()
