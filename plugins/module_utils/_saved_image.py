# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files as an image, as ``docker load`` takes it: the same files make the same bytes, wherever and whenever."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from typing import IO, Any, Callable, Mapping

from ._platform import Platform


def write(
    tree: str,
    platform: Platform,
    path: str,
    labels: Mapping[str, str],
    author: str,
    name: Callable[[str], str],
) -> str:
    """Writes the files in ``tree`` as an image of one layer to a new file. ``author`` is who made it, in its history.

    ``name`` gives the image's reference for its layer's digest; it is returned. Needs as much room beside ``path`` once more.
    """
    layer = path + ".layer"
    with open(layer, "wb") as file:
        _pack(tree, file)
    digest = _digest(layer)
    variant = {"variant": platform.variant} if platform.variant else {}
    configuration = _json(
        {
            "architecture": platform.architecture,
            **variant,
            "os": platform.os,
            "config": {"Labels": dict(labels)},
            "created": "1970-01-01T00:00:00Z",
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": author}],
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }
    )
    reference = name(digest)
    file_name = hashlib.sha256(configuration).hexdigest() + ".json"
    # https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
    listing = _json([{"Config": file_name, "RepoTags": [reference], "Layers": ["layer.tar"]}])
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member, content in (("manifest.json", listing), (file_name, configuration)):
            archive.addfile(_info(member, len(content)), io.BytesIO(content))
        with open(layer, "rb") as file:
            archive.addfile(_info("layer.tar", os.path.getsize(layer)), file)
    os.unlink(layer)
    return reference


def _pack(tree: str, file: IO[bytes]) -> None:
    """Nothing of the host goes in: no owner, no time, no umask, and the names in order."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for directory, names, files in os.walk(tree):
            names.sort()
            for name in sorted([*names, *files]):
                path = os.path.join(directory, name)
                member = archive.gettarinfo(path, os.path.relpath(path, tree))
                member.uid = member.gid = member.mtime = 0
                member.uname = member.gname = ""
                member.mode = 0o644 if member.isreg() and not member.mode & 0o100 else 0o755
                if member.isreg():
                    with open(path, "rb") as content:
                        archive.addfile(member, content)
                else:
                    archive.addfile(member)


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(path: str) -> str:
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            whole.update(chunk)
    return "sha256:" + whole.hexdigest()
