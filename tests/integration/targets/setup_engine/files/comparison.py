# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In what two images differ: configuration, history, and the files of each layer.

As a program: comparison.py IMAGE IMAGE, by the engine of DOCKER_HOST, whatever the times of files.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

# Parts of an image, such as a file of a layer, with what is to be said of each.
Image = dict[str, Mapping[str, object]]
# A part and what differs of it, with both values; None where there is no such thing.
Differences = dict[tuple[str, str], tuple[object, object]]

NEW = "of the build"


def compared(one: str, other: str, began: tuple[float, float] = (0, 0)) -> Differences:
    """Of two images on the engine, by name; ``began``: when their builds did, in seconds since the epoch."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        saved = []
        for number, name in enumerate((one, other)):
            path = Path(scratch) / f"{number}.tar"
            subprocess.run(["docker", "save", "--output", path, name], check=True)
            saved.append(Saved(path, began[number]))
        return saved[0].differences(saved[1])


def differences(one: Image, other: Image) -> Differences:
    found: Differences = {}
    for part in sorted(one.keys() | other.keys()):
        if part not in one or part not in other:
            found[part, "presence"] = part in one, part in other
            continue
        for aspect in sorted(one[part].keys() | other[part].keys()):
            values = one[part].get(aspect), other[part].get(aspect)
            if values[0] != values[1]:
                found[part, aspect] = values
    return found


def unexplained(found: Differences, explained: Collection[tuple[str, str]] = ()) -> list[str]:
    """In words."""
    return [
        f"{part}: {aspect} {values[0]}, {values[1]}"
        for (part, aspect), values in found.items()
        if (part, aspect) not in explained
    ]


class Saved:
    """An image as ``docker save`` writes it; of a file that is no older than ``began`` the time is that of the build."""

    def __init__(self, path: Path, began: float) -> None:
        self._path = path
        self._began = int(began)
        with tarfile.open(path) as archive:
            [manifest] = _json(archive, "manifest.json")
            self._config = _json(archive, manifest["Config"])
        # By digest: where two images have the same one in the same place, nobody needs to look into it.
        self._layers = list(zip(self._config["rootfs"]["diff_ids"], manifest["Layers"], strict=True))

    def differences(self, other: Saved) -> Differences:
        shared = {
            (number, one)
            for number, ((one, _path), (two, _other_path)) in enumerate(zip(self._layers, other._layers, strict=False))
            if one == two
        }
        return differences(dict(self._parts(shared)), dict(other._parts(shared)))

    def _parts(self, without: set[tuple[int, str]]) -> Iterator[tuple[str, Mapping[str, object]]]:
        config = dict(self._config)
        for number, entry in enumerate(config.pop("history")):
            yield f"history {number}", _without(entry, "created")
        yield "config", config.pop("config")
        yield "image", _without(config, "created", "rootfs")
        with tarfile.open(self._path) as archive:
            for number, (digest, path) in enumerate(self._layers):
                if (number, digest) not in without:
                    with tarfile.open(fileobj=archive.extractfile(path)) as layer:
                        for member in layer:
                            yield f"layer {number}: /{member.name}", self._file(layer, member)

    def _file(self, layer: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, object]:
        file = layer.extractfile(member) if member.isfile() else None
        return {
            "type": member.type.decode(),
            "mode": f"{member.mode:o}",
            "owner": f"{member.uid}:{member.gid}",
            "link": member.linkname,
            "content": hashlib.file_digest(file, "sha256").hexdigest()[:16] if file else None,  # type: ignore[arg-type]
            "time": NEW if member.mtime >= self._began else member.mtime,
            "attributes": {key: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr")},
        }


def _json(archive: tarfile.TarFile, path: str) -> Any:
    file = archive.extractfile(path)
    if file is None:
        raise ValueError(f"{path} is no file in what docker save wrote")
    return json.load(file)


def _without(values: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in names}


if __name__ == "__main__":
    found = unexplained(compared(sys.argv[1], sys.argv[2]))
    print("\n".join(found) or "the same")
    sys.exit(bool(found))
