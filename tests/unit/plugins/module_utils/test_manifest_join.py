# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry in memory, which loses and refuses things when it is told to. The target docker_manifest has real ones."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _manifest_join
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._manifest import DOCKER_IMAGE, Manifest


class Memory:
    """``manifests`` and ``blobs`` by repository and reference; ``written`` are the references of the writes."""

    name = "registry.example"

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], Manifest] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.written: list[str] = []
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
    monkeypatch.setattr(_manifest_join, "Registry", lambda _name, _options: made)
    made.push("app", "armhf", "arm", "v7")
    made.push("app", "arm64", "arm64")
    return made


def join(
    *images: Any, check: bool = False, tags: tuple[str, ...] = ("1", "2"), state: str = "present"
) -> dict[str, Any]:
    named = [f"registry.example/{image}" if isinstance(image, str) else image for image in images]
    params = {"name": "registry.example/app", "tags": list(tags), "images": named, "annotations": None, "state": state}
    return _manifest_join.run(params, check)


BOTH = ("app:armhf", "app:arm64")


def test_it_is_written_once_and_never_in_check_mode(memory: Memory) -> None:
    checked = join(*BOTH, check=True)
    assert memory.written == []
    done = join(*BOTH)
    assert memory.written == [done["digest"], "1", "2"]
    assert (checked["changed"], checked["actions"]) == (done["changed"], done["actions"])
    assert done["platforms"] == {
        "linux/arm/v7": memory.digest("app", "armhf"),
        "linux/arm64": memory.digest("app", "arm64"),
    }
    assert not join(*BOTH)["changed"]
    assert not join(*reversed(BOTH), check=True)["changed"]
    assert len(memory.written) == 3


def test_a_tag_that_points_elsewhere_is_noticed_and_no_other_is_written(memory: Memory) -> None:
    join(*BOTH)
    one = join("app:armhf", tags=("2",))
    again = join(*BOTH)
    assert again["actions"] == [f"point registry.example/app:2 to {again['digest']}"]
    assert memory.written[-2:] == ["2", "2"]
    assert one["diff"]["after"] == f"registry.example/app:2 linux/arm/v7: {memory.digest('app', 'armhf')}\n"


def test_an_image_of_another_repository_is_copied_before_it_is_listed(memory: Memory) -> None:
    other = memory.push("other", "1", "arm", "v5")
    done = join("app:arm64", "other:1")
    assert memory.written == [other.digest, done["digest"], "1", "2"]
    assert memory.blob("app", other.config_digest)


def test_an_index_that_does_not_resolve_gets_no_tag(memory: Memory) -> None:
    lost = memory.push("other", "1", "arm", "v5")
    join("other:1")
    del memory.blobs["app", lost.config_digest]
    with pytest.raises(CrossbuildError, match="does not resolve: no such blob"):
        join("other:1")
    with pytest.raises(CrossbuildError, match="does not resolve: no such blob"):
        join("other:1", tags=("3",))
    assert "3" not in memory.tags("app")


@pytest.mark.parametrize("forgotten", ["2", "index"])
def test_what_was_taken_and_is_not_there_is_noticed(memory: Memory, forgotten: str) -> None:
    memory.forgotten = forgotten if forgotten == "2" else join(*BOTH, check=True)["digest"]
    with pytest.raises(
        CrossbuildError, match=r"still to do: point registry.example/app:2 to|was stored, and is not there"
    ):
        join(*BOTH)


def test_a_failure_between_two_tags_names_them_and_the_next_run_writes_the_rest(memory: Memory) -> None:
    memory.refused = "2"
    with pytest.raises(
        CrossbuildError, match=r"^refused .*: registry.example/app:1; as before: registry.example/app:2\."
    ):
        join(*BOTH)
    memory.refused = ""
    assert join(*BOTH)["actions"] == [f"point registry.example/app:2 to {memory.digest('app', '1')}"]


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (["app:armhf", "app:no", "no:1"], "Not in the registry: registry.example/app:no, registry.example/no:1"),
        ([{"name": "registry.example/app:armhf", "platform": "arm64"}], "it is for linux/arm/v7, not for linux/arm64"),
        ([{"name": "registry.example/app:armhf", "platform": 64}], "both strings"),
        ([{"name": None}], "both strings"),
        ([7], "both strings"),
        ([], "images names nothing"),
    ],
)
def test_nothing_is_written_before_all_is_known_to_be_right(memory: Memory, images: list[Any], words: str) -> None:
    with pytest.raises(CrossbuildError, match=words):
        join(*images)
    assert memory.written == []


def test_absent_takes_what_was_joined_and_nothing_else(memory: Memory) -> None:
    digest = join(*BOTH)["digest"]
    memory.written.clear()
    with pytest.raises(CrossbuildError, match=r"registry.example/app:2 would go, too"):
        join(tags=("1",), state="absent")
    assert join(tags=("1", "2", "armhf"), state="absent", check=True)["changed"]
    assert memory.written == []
    done = join(tags=("1", "2", "armhf"), state="absent")
    assert done["warnings"] == ["registry.example/app:armhf stays: this module did not make what it points to."]
    assert memory.written == [digest]
    assert memory.tags("app") == ["armhf", "arm64"]
    assert not join(tags=("1", "2"), state="absent")["changed"]
