# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real projects built natively, emulated and accelerated: is the accelerated image the emulated one, and how long did each take?

In the laboratory only. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# With the targets, as ansible-test takes nothing else of the tests along.
sys.path.append(str(Path(__file__).resolve().parents[1] / "integration/targets/setup_engine/files"))

from builds import (
    ACCELERATED,
    ARCHITECTURES,
    EMULATED,
    NATIVE,
    NATIVE_PLATFORM,
    PROJECTS,
    USUAL,
    WAYS,
    Built,
    Target,
    build,
    prepare,
)
from comparison import Differences, compared, unexplained

SHOWN = 30  # of differences
ROW = "{:<11}" + 5 * "{:>13}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="projects.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--release", default=USUAL.release, help="of Debian: of the base images, and of the accelerator"
    )
    parser.add_argument("--platform", default=USUAL.platform, choices=sorted(ARCHITECTURES.keys() - {NATIVE_PLATFORM}))
    parser.add_argument("names", nargs="*", metavar="PROJECT", help="by default all that do not take long")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - PROJECTS.keys()):
        parser.error(f"there is no project {', '.join(unknown)}; there are {', '.join(PROJECTS)}")
    target = Target(options.release, options.platform)
    prepare(target)
    print(ROW.format("", *WAYS, "emu./acc.", "acc./native"), flush=True)
    usual = [name for name, project in PROJECTS.items() if not project.long]
    different = [name for name in options.names or usual if not is_same(name, target)]
    print(f"Not the same: {', '.join(different)}" if different else "Accelerated images are the emulated ones.")
    return len(different)


def is_same(name: str, target: Target) -> bool:
    """Builds a project in all ways, and says what came of it."""
    built = {way: build(name, way, target=target) for way in WAYS}
    found = differ(built[EMULATED], built[ACCELERATED])
    exceptions = [where for where in found if where[0].endswith(PROJECTS[name].exceptions) and where[1] == "content"]
    more = found.keys() - exceptions
    by_chance = differ(built[EMULATED], build(name, EMULATED, "again", target)) if more else {}
    seconds = {way: built[way].seconds for way in WAYS}
    faster, longer = seconds[EMULATED] / seconds[ACCELERATED], seconds[ACCELERATED] / seconds[NATIVE]
    print(ROW.format(name, *(f"{seconds[way]:.1f} s" for way in WAYS), f"{faster:.1f}", f"{longer:.1f}"), flush=True)
    problems = unexplained(found, [*by_chance, *exceptions])
    for part, _aspect in exceptions:
        print(f"    {part}: as documented, not the same bytes")
    for problem in problems[:SHOWN]:
        print(f"    {problem}")
    if len(problems) > SHOWN:
        print(f"    and {len(problems) - SHOWN} more")
    return not problems


def differ(one: Built, other: Built) -> Differences:
    return compared(one.image, other.image, (one.began, other.began))


if __name__ == "__main__":
    sys.exit(main())
