# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build context as a tar, in pieces: never whole in memory, and nothing in it but what was hashed."""

from __future__ import annotations

import hashlib
import os
import tarfile
from typing import Iterable, Iterator, Mapping

from ._context import ContextChanged, Member, chunks, opened

_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
}


def stream(root: str, members: Iterable[Member], extra: Mapping[str, bytes]) -> Iterator[bytes]:
    """The members of the context in ``root``. ``extra`` files replace members of the same name, but not their hard links.

    Raises ContextChanged naming a file that is no longer what it was when ``members`` was made.
    """
    replaced = {}
    for member in members:
        if member.path in extra:
            replaced[member.path] = member.content
        elif member.kind == "hardlink" and member.content in replaced:
            yield from _archived(root, member._replace(kind="file", content=replaced[member.content]))
        else:
            yield from _archived(root, member)
    for name, data in extra.items():
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        yield _header(info) + data + _padding(len(data))
    yield tarfile.NUL * tarfile.BLOCKSIZE * 2


def _archived(root: str, member: Member) -> Iterator[bytes]:
    full = os.path.join(root, member.path)
    info = tarfile.TarInfo(member.path)
    info.type, info.mode = _TYPES[member.kind], member.mode
    status = status_of(full)
    info.mtime = int(status.st_mtime)
    if member.kind in ("symlink", "hardlink"):
        info.linkname = member.content
    elif "device" in member.kind:
        info.devmajor, info.devminor = map(int, member.content.split(":"))
    elif member.kind == "file":
        info.size = status.st_size
    yield _capability_header(info, member.capabilities()) + _header(info)
    if member.kind == "file":
        yield from verified(full, info.size, member)
        yield _padding(info.size)


def status_of(full: str) -> os.stat_result:
    try:
        return os.lstat(full)
    except OSError as exc:
        raise ContextChanged(full) from exc


def verified(full: str, size: int, member: Member) -> Iterator[bytes]:
    """The ``size`` bytes of a file of the context. Raises ContextChanged where in the end that is not what was hashed."""
    whole, sent = hashlib.sha256(), 0
    with opened(full) as descriptor:
        for chunk in chunks(descriptor):
            whole.update(chunk)
            sent += len(chunk)
            if sent > size:
                raise ContextChanged(full)
            yield chunk
    if whole.hexdigest() != member.content.split(" ")[0]:
        raise ContextChanged(full)


def root() -> bytes:
    """The context's own directory, for a reader that knows a tar by a first header that is complete in 1024 bytes."""
    info = tarfile.TarInfo(".")
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return _header(info)


def _header(info: tarfile.TarInfo) -> bytes:
    # GNU's form carries names of any length and any bytes.
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _capability_header(info: tarfile.TarInfo, capabilities: bytes) -> bytes:
    """The extended header (pax) that gives the member behind it its capabilities, as Docker and GNU tar write it."""
    if not capabilities:
        return b""
    record = b" SCHILY.xattr.security.capability=" + capabilities + b"\n"
    # The length of a record counts its own digits.
    length = next(total for total in range(len(record), len(record) + 9) if total == len(str(total)) + len(record))
    data = str(length).encode() + record
    extended = tarfile.TarInfo("pax/" + os.path.basename(info.name)[:80])
    extended.type, extended.size = tarfile.XHDTYPE, len(data)
    return _header(extended) + data + _padding(len(data))


def _padding(size: int) -> bytes:
    return tarfile.NUL * (-size % tarfile.BLOCKSIZE)
