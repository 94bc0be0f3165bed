# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What images consist of; as a program, whether two are the same: images.py IMAGE IMAGE, by the engine of DOCKER_HOST."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from typing import Any


def image(name: str) -> dict[str, Any]:
    """All that an image consists of, without times: configuration, history, and the files of each layer."""
    saved = subprocess.run(["docker", "save", name], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def read(path: str) -> bytes:
            file = archive.extractfile(path)
            assert file is not None, path
            return file.read()

        (manifest,) = json.loads(read("manifest.json"))
        config = json.loads(read(manifest["Config"]))
        layers = [files(read(path)) for path in manifest["Layers"]]
    del config["created"], config["rootfs"]
    for entry in config["history"]:
        del entry["created"]
    return {"config": config, "layers": layers, "shown": shown(name)}


def shown(name: str) -> str:
    command = ["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Size}} {{.Comment}}", name]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def files(layer: bytes) -> dict[str, list[object]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            content = hashlib.sha256(file.read()).hexdigest() if file else member.linkname
            attributes = {key: value for key, value in member.pax_headers.items() if "time" not in key}
            found[member.name] = [member.type.decode(), member.mode, member.uid, member.gid, attributes, content]
    return found


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return [words for name in names for words in differences(one.get(name), other.get(name), f"{where}/{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [words for at, (left, right) in pairs for words in differences(left, right, f"{where}/{at}")]
    return [] if one == other else [f"{where}: {one} and {other}"]


if __name__ == "__main__":
    found = differences(*(image(name) for name in sys.argv[1:3]))
    print("\n".join(found) or "the same")
    sys.exit(bool(found))
