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
import shutil
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path

from measure import HERE, require, require_laboratory, write_section

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import binfmt_magic
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulators import version_at
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program

ROUNDS = 41
EXECS = 25  # a round, of each side and program
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
    rounds: dict[tuple[str, str], list[float]] = {(program, side): [] for program in PROGRAMS for side in SIDES}
    for number in range(ROUNDS + 1):
        for program in PROGRAMS:
            # In the other direction every second time, so that no side always comes after the same one.
            for side in list(SIDES)[:: 1 if number % 2 else -1]:
                entry, accelerated = SIDES[side]
                seconds = measure(entry, roots[accelerated], PROGRAMS[program])
                if number:  # the first one reads the files
                    rounds[program, side].append(seconds)
    write_section("An exec by QEMU with the dispatcher", report(rounds, version_at(emulator, ARM) or "unknown"))


def register(name: str, interpreter: str) -> None:
    magic, mask = ("".join(f"\\x{byte:02x}" for byte in part) for part in binfmt_magic(ARM))
    (BINFMT_MISC / "register").write_text(f":bench-{name}:M::{magic}:{mask}:{interpreter}:PF")


def furnish(root: str, busybox: str, accelerated: bool) -> str:
    """A root directory with the programs."""
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/proc")
    os.makedirs(f"{root}{_dispatcher.PREFIX}/emul/bin" if accelerated else f"{root}/dev")
    shutil.copy(busybox, f"{root}/bin/busybox")
    Path(f"{root}/bin/probe").write_bytes(probe_program(ARM))
    os.chmod(f"{root}/bin/probe", 0o755)
    require(os.system(f"mount --rbind /proc {root}/proc") == 0, "/proc cannot be mounted in a root directory")
    return root


def measure(entry: str, root: str, argv: list[str]) -> float:
    """Seconds for an exec, in a process whose root directory that is."""
    for name in ("plain", "dispatcher"):
        (BINFMT_MISC / f"bench-{name}").write_text("1" if name == entry else "0")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        silent = os.open("/dev/null", os.O_RDWR)
        os.dup2(silent, 1)
        os.chroot(root)
        os.chdir("/")
        start = time.perf_counter()
        failed = any(os.waitpid(os.posix_spawn(argv[0], argv, {}), 0)[1] for _exec in range(EXECS))
        os.write(writing, struct.pack("d", -1 if failed else (time.perf_counter() - start) / EXECS))
        os._exit(0)
    os.waitpid(child, 0)
    (seconds,) = struct.unpack("d", os.read(reading, 8))
    os.close(reading)
    os.close(writing)
    require(seconds > 0, f"{argv} fails with the entry {entry}")
    return float(seconds)


def report(rounds: dict[tuple[str, str], list[float]], version: str) -> list[str]:
    rows, ratios = [], []
    for program in PROGRAMS:
        plain = statistics.median(rounds[program, PLAIN])
        for side in SIDES:
            seconds = rounds[program, side]
            median = statistics.median(seconds)
            low, high = min(seconds) * 1000, max(seconds) * 1000
            rows.append(
                f"| {program} | {side} | {median * 1000:.3f} ({low:.3f}-{high:.3f}) | {(median - plain) * 1e6:+.0f}"
                f" | {median / plain:.3f} |"
            )
            if side == WITHOUT:
                ratios.append(median / plain)
    return [
        f"`make bench-exec`, {ROUNDS} rounds of {EXECS} execs. QEMU {version}, linux/arm/v7, static programs.",
        "",
        "| | | milliseconds an exec | more, in microseconds | times plain QEMU |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        f"The target, where there is no accelerator at most {TARGET} times plain QEMU, is"
        f" {'reached' if max(ratios) <= TARGET else 'missed'}.",
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
