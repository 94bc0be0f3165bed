# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an emulated exec costs by an emulator that begins with the dispatcher, beside the one that it is made of.

In a root directory without an accelerator, where the dispatcher finds out that it has nothing to do, and in one with an
accelerator that has another program. Both emulators are registered all the time, one of them enabled. Runs in the
laboratory only, by `make bench-exec`, and writes its section of RESULTS.md beside this file.
"""

from __future__ import annotations

import os

# os.wait4 needs it, and would not find it in another root directory.
import resource  # noqa: F401  # pylint: disable=unused-import
import shutil
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from measure import HERE, require, require_laboratory, spread, write_section

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tools import PREFIX
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import binfmt_magic
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulators import version_at
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program

ROUNDS = 41
EXECS = 10  # a round, of each side and program
TARGET = 1.05
BINFMT_MISC = Path("/proc/sys/fs/binfmt_misc")
ARM = parse("arm").arch
PLAIN, WITHOUT, BESIDE = (
    "QEMU",
    "QEMU with the dispatcher, no accelerator",
    "the same, an accelerator without the program",
)
# What is enabled, and whether there is an accelerator.
SIDES = {PLAIN: ("plain", False), WITHOUT: ("dispatcher", False), BESIDE: ("dispatcher", True)}
# The smallest program there is, of which nothing but the exec is seen, and one with a C library.
PROGRAMS = {"the smallest program": ["/bin/probe"], "`busybox true`": ["/bin/busybox", "true"]}


COST = struct.Struct("2d")


class Exec(NamedTuple):
    """Seconds of the clock, which others can make longer, and of the processor."""

    clock: float
    processor: float


def main(directory: str, busybox: str) -> None:
    require_laboratory()
    emulator = f"{directory}/qemu-arm-static"
    # It goes with the laboratory. Nobody else may remove it, as /proc is mounted in it.
    made = tempfile.mkdtemp()
    copy = f"{made}/{Path(emulator).name}"
    _dispatcher.make(copy, emulator, (HERE.parent / "roles/accelerator/files/dispatcher.c").read_text())
    register("plain", emulator)
    register("dispatcher", copy)
    roots = {accelerated: furnish(f"{made}/{accelerated}", busybox, accelerated) for accelerated in (False, True)}
    execs: dict[tuple[str, str], list[Exec]] = {(program, side): [] for program in PROGRAMS for side in SIDES}
    for number in range(ROUNDS + 1):
        for program in PROGRAMS:
            # In the other direction every second time, so that no side always comes after the same one.
            for side in list(SIDES)[:: 1 if number % 2 else -1]:
                entry, accelerated = SIDES[side]
                costs = measure(entry, roots[accelerated], PROGRAMS[program])
                if number:  # the first one reads the files
                    execs[program, side] += costs
    write_section("An exec by QEMU with the dispatcher", report(execs, version_at(emulator, ARM) or "unknown"))


def register(name: str, interpreter: str) -> None:
    magic, mask = ("".join(f"\\x{byte:02x}" for byte in part) for part in binfmt_magic(ARM))
    (BINFMT_MISC / "register").write_text(f":bench-{name}:M::{magic}:{mask}:{interpreter}:PF")


def furnish(root: str, busybox: str, accelerated: bool) -> str:
    """A root directory with the programs."""
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/proc")
    os.makedirs(f"{root}{PREFIX}/emul/bin" if accelerated else f"{root}/dev")
    shutil.copy(busybox, f"{root}/bin/busybox")
    Path(f"{root}/bin/probe").write_bytes(probe_program(ARM))
    os.chmod(f"{root}/bin/probe", 0o755)
    require(os.system(f"mount --rbind /proc {root}/proc") == 0, "/proc cannot be mounted in a root directory")
    return root


def measure(entry: str, root: str, argv: list[str]) -> list[Exec]:
    """What each of several execs costs in a process whose root directory that is."""
    for name in ("plain", "dispatcher"):
        (BINFMT_MISC / f"bench-{name}").write_text("1" if name == entry else "0")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open("/dev/null", os.O_RDWR), 1)
        os.chroot(root)
        os.chdir("/")
        for _exec in range(EXECS):
            start = time.perf_counter()
            _pid, status, used = os.wait4(os.posix_spawn(argv[0], argv, {}), 0)
            if status:
                os._exit(1)
            os.write(writing, COST.pack(time.perf_counter() - start, used.ru_utime + used.ru_stime))
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    require(status == 0, f"{argv} fails with the entry {entry}")
    costs = [Exec(*cost) for cost in COST.iter_unpack(os.read(reading, COST.size * EXECS))]
    os.close(reading)
    os.close(writing)
    return costs


def report(execs: dict[tuple[str, str], list[Exec]], version: str) -> list[str]:
    median = {key: Exec(*map(statistics.median, zip(*costs, strict=True))) for key, costs in execs.items()}
    times = {
        (program, side): Exec(
            *(cost / plain for cost, plain in zip(median[program, side], median[program, PLAIN], strict=True))
        )
        for program, side in execs
    }
    rows = [
        f"| {program} | {side} | {spread([cost.clock * 1000 for cost in costs])} | {times[program, side].clock:.3f}"
        f" | {median[program, side].processor * 1000:.2f} | {times[program, side].processor:.3f} |"
        for (program, side), costs in execs.items()
    ]
    # An exec waits for nothing. By the clock it also takes what others do meanwhile, on a busy machine most of all.
    worst = Exec(*map(max, zip(*(times[program, WITHOUT] for program in PROGRAMS), strict=True)))
    return [
        f"`make bench-exec`, {ROUNDS} rounds of {EXECS} execs. QEMU {version}, linux/arm/v7, static programs. Milliseconds an"
        " exec, by the clock and of the processor.",
        "",
        "| | | clock | times plain QEMU | processor | times plain QEMU |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        f"The target, where there is no accelerator at most {TARGET} times plain QEMU, is {verdict(worst.processor)} by the"
        f" processor's time ({worst.processor:.3f}), and {verdict(worst.clock)} by the clock ({worst.clock:.3f}), which others"
        " make longer.",
    ]


def verdict(times: float) -> str:
    return "reached" if times <= TARGET else "missed"


if __name__ == "__main__":
    main(*sys.argv[1:])
