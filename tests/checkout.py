# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to the checkout: what git tracks or would track, as it is in the work tree, and no caches of tools.

`python tests/checkout.py DIRECTORY` copies it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def files() -> set[Path]:
    """Relative to the checkout. Ends the program where git cannot tell."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        said = subprocess.run(listing, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        sys.exit(
            "There is no git here, which tells what belongs to the checkout: install it, on Debian the package git."
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()[0]
        sys.exit(f"git cannot tell what belongs to {CHECKOUT} ({said}): this works in a clone.")
    # git still lists what was only just deleted.
    return {Path(name) for name in said.split("\0") if name and os.path.lexists(CHECKOUT / name)}


def copy(names: Iterable[Path], destination: Path) -> None:
    for name in names:
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        if (destination / name).is_symlink():  # or it would be written through one, or not at all
            (destination / name).unlink()
        shutil.copy2(CHECKOUT / name, destination / name, follow_symlinks=False)


if __name__ == "__main__":
    copy(files(), Path(sys.argv[1]))
