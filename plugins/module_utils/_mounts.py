# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mounted where, as this process sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mount:
    """A line of /proc/self/mountinfo, see proc_pid_mountinfo(5)."""

    device: str
    point: str
    kind: str
    read_only: bool


def parse(text: str) -> list[Mount]:
    """In the order in which they were made: of two at one point the later one is seen."""
    return [_mount(line) for line in text.splitlines()]


def _mount(line: str) -> Mount:
    fields, _separator, rest = line.partition(" - ")
    _identifier, _parent, device, _root, point, options = fields.split(" ")[:6]
    kind, _source, superblock = rest.split(" ")[:3]
    read_only = "ro" in options.split(",") or "ro" in superblock.split(",")
    unescaped = re.sub(r"\\([0-7]{3})", lambda hit: chr(int(hit[1], 8)), point)
    return Mount(device, unescaped, kind, read_only)
