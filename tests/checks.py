# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run checks, which are targets of the Makefile, two at a time; show what each said when it is done, and the sum."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

END = 90  # lines, of all that failed together


def main(names: list[str]) -> int:
    failed, start = {}, time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(check, name) for name in names]
        for done in as_completed(running):
            name, status, output, seconds = done.result()
            verdict = "passed" if status == 0 else f"FAILED with status {status}"
            print(f"{output}=== {name}: {verdict} after {seconds:.0f} s\n", flush=True)
            if status != 0:
                failed[name] = output
    # Once more, since of a long log often only the end is looked at, or kept.
    for name, output in failed.items():
        end = output.splitlines(keepends=True)[-(END // len(failed)) :]
        print(f"=== the end of {name}, which failed:\n{''.join(end)}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed, after {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


def check(name: str) -> tuple[str, int, str, float]:
    print(f"=== {name}: started\n", end="", flush=True)  # in one piece: threads
    start = time.monotonic()
    # A make of its own, not a part of the one that runs this: no job server, no flags of it.
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment |= {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        ["make", "--no-print-directory", "--keep-going", name],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return name, done.returncode, done.stdout, time.monotonic() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
