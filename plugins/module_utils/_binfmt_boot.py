# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration that registers entries at boot: binfmt.d, which systemd-binfmt and OpenRC's binfmt service read.

The rules are those of binfmt.d(5): a file in an earlier directory replaces one of the same name in a later one, files
are read in the order of their names, and the last line for a name wins.
"""

from __future__ import annotations

import os
from typing import Sequence

from ._atomic import write_file
from ._binfmt_entry import Entry, parse_register_line, register_line
from ._errors import CrossbuildError

DIRECTORIES = ("/etc/binfmt.d", "/run/binfmt.d", "/usr/local/lib/binfmt.d", "/usr/lib/binfmt.d", "/lib/binfmt.d")
HEADER = "# Written by the Ansible module trusted.crossbuild.binfmt; changes are overwritten."

_SYSTEMD_UNIT_MASK = "/etc/systemd/system/systemd-binfmt.service"


def reader() -> str:
    """Which service of this host registers binfmt.d at boot: ``systemd``, ``openrc`` or ``none``."""
    if os.path.isdir("/run/systemd/system"):
        masked = os.path.realpath(_SYSTEMD_UNIT_MASK) == "/dev/null"
        return "none" if masked else "systemd"
    if os.path.isdir("/run/openrc") and os.path.exists("/etc/init.d/binfmt"):
        return "openrc"
    return "none"


class BootConfiguration:
    """The binfmt.d directories, in order of precedence; the first is the one to write to."""

    def __init__(self, directories: Sequence[str] = DIRECTORIES) -> None:
        self.directories = directories

    def entries(self) -> list[Entry]:
        """What a boot would register, last registered first."""
        registered: dict[str, Entry] = {}
        for path in self._files():
            for entry in _read(path):
                registered.pop(entry.name, None)
                registered[entry.name] = entry
        return list(reversed(registered.values()))

    def _files(self) -> list[str]:
        chosen: dict[str, str] = {}
        for directory in self.directories:
            for name in os.listdir(directory) if os.path.isdir(directory) else ():
                if name.endswith(".conf"):
                    chosen.setdefault(name, os.path.join(directory, name))
        return [chosen[name] for name in sorted(chosen)]

    def source(self, entry: Entry) -> str:
        """The file that an entry comes from."""
        return next(path for path in reversed(self._files()) if any(found.name == entry.name for found in _read(path)))

    def path(self, name: str) -> str:
        """Our file for an entry. It bears the distribution's file name, so that it replaces that and adds no twin."""
        return os.path.join(self.directories[0], name + ".conf")

    def write(self, entry: Entry) -> None:
        line = register_line(entry).decode("utf-8", "surrogateescape")
        write_file(self.path(entry.name), f"{HEADER}\n{line}\n")

    def owned(self, name: str) -> bool:
        """Whether our file for this entry is there and was written by this collection."""
        try:
            with open(self.path(name), encoding="utf-8", errors="surrogateescape") as file:
                return file.readline().rstrip("\n") == HEADER
        except FileNotFoundError:
            return False

    def remove(self, name: str) -> None:
        if self.owned(name):
            os.unlink(self.path(name))


def _read(path: str) -> list[Entry]:
    found = []
    with open(path, "rb") as file:
        for line in file:
            text = line.strip()
            if not text or text[:1] in b"#;":
                continue
            try:
                found.append(parse_register_line(text))
            except (CrossbuildError, ValueError):
                continue  # systemd-binfmt logs such a line and goes on
    return found
