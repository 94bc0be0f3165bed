# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build context as a directory of its own, with nothing in it but what was hashed."""

from __future__ import annotations

import os
import stat
from typing import Sequence

from . import _context_tar
from ._context import CAPABILITY, Member

_NODES = {"fifo": stat.S_IFIFO, "character device": stat.S_IFCHR, "block device": stat.S_IFBLK}


def copy(root: str, members: Sequence[Member], directory: str) -> None:
    """Copies the members of the context in ``root`` into an empty directory.

    Raises ContextChanged naming a file that is no longer what it was when ``members`` was made.
    """
    for member in members:
        path = os.path.join(directory, member.path)
        _make(member, os.path.join(root, member.path), path, directory)
    # What is in a directory comes before it: making that changes its time, and may not be allowed by its mode.
    for member in reversed(members):
        _finish(member, os.path.join(root, member.path), os.path.join(directory, member.path))


def _make(member: Member, original: str, path: str, directory: str) -> None:
    if member.kind == "file":
        with open(path, "xb") as file:
            file.writelines(_context_tar.verified(original, _context_tar.status_of(original).st_size, member))
    elif member.kind == "directory":
        os.mkdir(path)
    elif member.kind == "symlink":
        os.symlink(member.content, path)
    elif member.kind == "hardlink":
        os.link(os.path.join(directory, member.content), path)
    else:
        device = os.makedev(*map(int, member.content.split(":"))) if member.content else 0
        os.mknod(path, _NODES[member.kind] | 0o600, device)


def _finish(member: Member, original: str, path: str) -> None:
    changed = _context_tar.status_of(original).st_mtime_ns
    os.utime(path, ns=(changed, changed), follow_symlinks=False)
    if member.kind not in ("symlink", "hardlink"):
        os.chmod(path, member.mode)
    if member.capabilities():
        os.setxattr(path, CAPABILITY, member.capabilities())
