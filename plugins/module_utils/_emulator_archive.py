# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulators out of a tar or a Debian package: chosen by name, copied as plain files, whatever else is in there."""

from __future__ import annotations

import errno
import lzma
import os
import posixpath
import shutil
import stat
import subprocess
import tarfile
import zlib
from typing import IO, Iterable

from ._architectures import ARCHITECTURES
from ._errors import CrossbuildError

_AR_MAGIC = b"!<arch>\n"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
_MAX_LINKS = 8


def unpack(archive: IO[bytes], name: str, scratch: str, target: str) -> list[str]:
    """Writes ``qemu-ARCH-static`` into ``target`` for every emulator in an archive; returns QEMU's names of them.

    ``name`` is what the archive is called in messages, ``scratch`` a directory for what has to be taken apart. Raises
    CrossbuildError where the archive is none, is damaged, or holds no emulator.
    """
    try:
        with tarfile.open(fileobj=_plain(archive, name, scratch), mode="r:*") as tar:
            chosen = choose_members(tar.getmembers(), name)
            # In the order of the archive: a compressed one would have to be read again from its beginning otherwise.
            for qemu, member in sorted(chosen.items(), key=lambda pair: pair[1].offset):
                _copy(tar, member, os.path.join(target, f"qemu-{qemu}-static"))
    except _DAMAGED as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # of the disk, not of the archive
        raise CrossbuildError(
            f"{name} is no tar and no Debian package, or a damaged one: {exc}. Nothing was installed."
        ) from exc
    return list(chosen)


def choose_members(members: Iterable[tarfile.TarInfo], name: str) -> dict[str, tarfile.TarInfo]:
    """The regular file to take for each architecture: programs called qemu-ARCH-static or else qemu-ARCH, in any directory.

    Links within the archive are followed. Raises CrossbuildError for one that leads out of it or nowhere, and for a device.
    """
    by_path = {_path(member.name): member for member in members}
    chosen: dict[str, tarfile.TarInfo] = {}
    for architecture in ARCHITECTURES:
        for wanted in (f"qemu-{architecture.qemu}-static", f"qemu-{architecture.qemu}"):
            paths = [path for path in sorted(by_path) if posixpath.basename(path) == wanted]
            found = [member for member in (_resolve(by_path, path, name) for path in paths) if member]
            if found:
                chosen.setdefault(architecture.qemu, found[0])
    if not chosen:
        raise CrossbuildError(
            f"{name} holds no emulator: no program called qemu-ARCH or qemu-ARCH-static, as qemu-arm-static. It holds"
            f" {', '.join(list(by_path)[:5]) or 'nothing'}{' and more' if len(by_path) > 5 else ''}."
        )
    return chosen


def _resolve(by_path: dict[str, tarfile.TarInfo], path: str, name: str) -> tarfile.TarInfo | None:
    """The program behind a path; None for what is none, as a directory or a file of settings of that name."""
    start = path
    for _link in range(_MAX_LINKS):
        member = by_path.get(path)
        if member is None:
            raise CrossbuildError(
                f"In {name}, {start} is a link to {path}, which is not in it. A package that holds nothing but links is"
                " transitional: take the one that holds the programs."
            )
        if member.isreg():
            return member if member.mode & stat.S_IXUSR else None
        if member.isdir():
            return None
        if not (member.issym() or member.islnk()):
            raise CrossbuildError(
                f"In {name}, {path} is neither file nor link but a device or pipe. Nothing was installed."
            )
        base = posixpath.dirname(path) if member.issym() and not member.linkname.startswith("/") else ""
        path = posixpath.normpath(posixpath.join(base, member.linkname.lstrip("/")))
        if path == ".." or path.startswith("../"):
            raise CrossbuildError(f"In {name}, the link {start} leads out of the archive, to {member.linkname}.")
    raise CrossbuildError(f"In {name}, the link {start} leads from link to link without an end.")


def _path(name: str) -> str:
    """A member's path below the archive's root; what climbs out of it is its own business, and never written."""
    return posixpath.normpath(name.lstrip("/"))


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    with open(path, "xb") as file:
        content = tar.extractfile(member)
        if content is not None:  # as it is for every regular file
            shutil.copyfileobj(content, file)
        file.flush()
        os.fchmod(file.fileno(), 0o755)
        os.fsync(file.fileno())


def _plain(archive: IO[bytes], name: str, scratch: str) -> IO[bytes]:
    """The archive as something that tarfile reads: the data of a Debian package, and no zstd, which it does not know."""
    if _begins_with(archive, _AR_MAGIC):
        archive = _data_member(archive, name, os.path.join(scratch, "data.tar"))
    if _begins_with(archive, _ZSTD_MAGIC):
        archive = _without_zstd(archive, name, os.path.join(scratch, "plain.tar"))
    return archive


def _begins_with(archive: IO[bytes], magic: bytes) -> bool:
    start = archive.read(len(magic))
    archive.seek(0)
    return start == magic


def _data_member(archive: IO[bytes], name: str, path: str) -> IO[bytes]:
    """The data.tar of a Debian package, an ar archive: deb(5), ar(5)."""
    archive.seek(len(_AR_MAGIC))
    while True:
        header = archive.read(60)
        if len(header) < 60 or header[58:] != b"`\n":
            raise CrossbuildError(f"{name} is no Debian package, or a damaged one: there is no data.tar in it.")
        size = int(header[48:58])
        if header[:16].startswith(b"data.tar"):
            return _spooled(archive, size, name, path)
        archive.seek(size + size % 2, os.SEEK_CUR)


def _spooled(archive: IO[bytes], size: int, name: str, path: str) -> IO[bytes]:
    file = open(path, "w+b")  # noqa: SIM115
    while size > 0:
        chunk = archive.read(min(size, 1 << 20))
        if not chunk:
            file.close()
            raise CrossbuildError(f"{name} is damaged: its data.tar ends {size} bytes too early.")
        file.write(chunk)
        size -= len(chunk)
    file.seek(0)
    return file


def _without_zstd(archive: IO[bytes], name: str, path: str) -> IO[bytes]:
    program = shutil.which("zstd")
    if not program:
        raise CrossbuildError(
            f"{name} is compressed with zstd, which Python does not know and for which the program zstd is not on this host."
            " Install it, or compress the archive with gzip or xz."
        )
    file = open(path, "w+b")  # noqa: SIM115
    os.lseek(archive.fileno(), 0, os.SEEK_SET)  # the program reads on from where the descriptor is, not the object
    # From file to file, which AnsibleModule.run_command does not do.
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        [program, "-dcq"], stdin=archive, stdout=file, stderr=subprocess.PIPE, check=False
    )
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        file.close()
        if os.strerror(errno.ENOSPC) in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        raise CrossbuildError(f"{name} is damaged: {said}. Nothing was installed.")
    file.seek(0)
    return file
