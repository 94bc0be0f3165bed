# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Push the files of a directory as an image: image.py DIRECTORY PLATFORM USER:PASSWORD REGISTRY/REPOSITORY:TAG...

Prints the manifest's digest. No engine makes it, as it is for platforms that this machine does not run.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import urllib.request

OCI = "application/vnd.oci.image"


def main() -> None:
    directory, platform, credentials, *names = sys.argv[1:]
    system, architecture, *variant = platform.split("/")
    layer = packed(directory)
    described = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    configuration = as_json(
        {
            **described,
            "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }
    )
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": descriptor(f"{OCI}.config.v1+json", configuration),
            "layers": [descriptor(f"{OCI}.layer.v1.tar", layer)],
        }
    )
    for name in names:
        registry, _slash, rest = name.partition("/")
        repository, _colon, tag = rest.partition(":")
        url = f"https://{registry}/v2/{repository}"
        for blob in (layer, configuration):
            place = ask("POST", f"{url}/blobs/uploads/", credentials)
            ask("PUT", f"{place}&digest={digest(blob)}", credentials, blob, "application/octet-stream")
        ask("PUT", f"{url}/manifests/{tag}", credentials, manifest, f"{OCI}.manifest.v1+json")
    print(digest(manifest))


def packed(directory: str) -> bytes:
    """All files as root's, and as old as any: the same files make the same image."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "usr"):
            tar.add(f"{directory}/{name}", name, filter=plain)
    return archive.getvalue()


def ask(method: str, url: str, credentials: str, data: bytes = b"", kind: str = "") -> str:
    """Where the registry says that it goes on."""
    login = base64.b64encode(credentials.encode()).decode()
    headers = {"Authorization": f"Basic {login}", **({"Content-Type": kind} if kind else {})}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["Location"])


def descriptor(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


if __name__ == "__main__":
    main()
