# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's binfmt-support, which registers entries at boot beside systemd, out of a database of its own."""

from __future__ import annotations

import glob
import os

from ._binfmt_entry import Entry, parse_register_line
from ._command import require
from ._errors import CrossbuildError

DATABASE = "/var/lib/binfmts"
_PROGRAM = "/usr/sbin/update-binfmts"
# How its service is enabled: by systemd, by System V's links.
_ENABLED = ("/etc/systemd/system/*.wants/binfmt-support.service", "/etc/rc[S2-5].d/S*binfmt-support")


def active() -> bool:
    """Whether it is installed and registers its entries at boot."""
    return os.path.exists(_PROGRAM) and any(glob.glob(pattern) for pattern in _ENABLED)


def entries(database: str = DATABASE) -> list[Entry]:
    """What it would register. Formats that it knows by no magic or extension that the kernel takes are passed over."""
    if not os.path.isdir(database):
        return []
    found = [_read(os.path.join(database, name), name) for name in sorted(os.listdir(database))]
    return [entry for entry in found if entry]


def register(name: str) -> None:
    """Has an entry of the database registered with the kernel. Raises CrossbuildError where that fails."""
    require([_PROGRAM, "--enable", name])


def _read(path: str, name: str) -> Entry | None:
    """A file has ten lines: package, type, offset, magic, mask, interpreter, detector, credentials, preserve, fix_binary."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = file.read().split("\n")
    lines += [""] * (10 - len(lines))
    _package, kind, offset, magic, mask, interpreter, _detector = lines[:7]
    flags = "".join(flag for flag, word in zip("CPF", lines[7:10]) if word == "yes")
    type_letter = "E" if kind == "extension" else "M"
    fields = ["", name, type_letter, offset, magic, mask, interpreter, flags]
    try:
        # A control character as the delimiter: none of these holds one.
        return parse_register_line("\1".join(fields).encode("utf-8", "surrogateescape"))
    except CrossbuildError:
        return None
