# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that were downloaded before, by whomever: each user takes from them and adds to them without disturbing others.

Apt locks its directory of downloads, so several cannot have the same one. An overlay each is as good.
"""

from __future__ import annotations

from pathlib import Path

import filesystems

# The laboratory keeps what is here for the next one.
ARCHIVES = Path("/var/cache/apt/archives")


def view(directory: Path) -> Path:
    """A new directory below the given one, in which apt finds everything in ARCHIVES."""
    directory.mkdir(parents=True, exist_ok=True)
    archives = directory / "archives"
    filesystems.overlay(ARCHIVES, archives)
    (archives / "lock").touch()
    return archives


def keep(archives: Path) -> None:
    """Add what was downloaded to a view to ARCHIVES."""
    filesystems.keep_packages(archives, ARCHIVES)
