# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry in memory, which loses and refuses things when it is told to. The integration tests have real ones."""

from __future__ import annotations

import hashlib
import json

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _ledger, _ledger_report, _manifest_join, _push
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._manifest import DOCKER_IMAGE, Manifest


class Memory:
    """``manifests`` and ``blobs`` by repository and reference; ``written`` are the references of the writes."""

    name = "registry.example"

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], Manifest] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.written: list[str] = []
        self.credentials = None
        self.refused = ""
        self.forgotten = ""

    def push(self, repository: str, tag: str, architecture: str, variant: str = "") -> Manifest:
        config = json.dumps({"os": "linux", "architecture": architecture, "variant": variant}).encode()
        digest = "sha256:" + hashlib.sha256(config).hexdigest()
        content = {"config": {"mediaType": "c", "digest": digest}, "layers": []}
        manifest = Manifest.read(DOCKER_IMAGE, json.dumps(content).encode())
        self.blobs[repository, digest] = config
        for reference in (tag, manifest.digest):
            self.manifests[repository, reference] = manifest
        return manifest

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        return self.manifests.get((repository, reference))

    def digest(self, repository: str, reference: str) -> str | None:
        found = self.manifest(repository, reference)
        return found.digest if found else None

    def blob(self, repository: str, digest: str) -> bytes:
        if (repository, digest) not in self.blobs:
            raise CrossbuildError("no such blob")
        return self.blobs[repository, digest]

    def mount(self, repository: str, digest: str, source: str) -> None:
        self.blobs[repository, digest] = self.blobs[source, digest]

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> None:
        if reference == self.refused:
            raise CrossbuildError("refused")
        self.written.append(reference)
        if reference != self.forgotten:
            self.manifests[repository, reference] = manifest

    def delete_manifest(self, repository: str, digest: str) -> None:
        self.written.append(digest)
        self.manifests = {
            key: manifest
            for key, manifest in self.manifests.items()
            if key[0] != repository or manifest.digest != digest
        }

    def tags(self, repository: str) -> list[str]:
        return [reference for where, reference in self.manifests if where == repository and ":" not in reference]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    for module in (_ledger, _ledger_report, _manifest_join, _push):
        monkeypatch.setattr(module, "Registry", lambda _name, _options: made)
    made.push("app", "armhf", "arm", "v7")
    made.push("app", "arm64", "arm64")
    return made
