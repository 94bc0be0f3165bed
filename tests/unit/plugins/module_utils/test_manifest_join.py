# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _manifest_join
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def join(
    *images: Any, check: bool = False, tags: tuple[str, ...] = ("1", "2"), state: str = "present"
) -> dict[str, Any]:
    named = [f"registry.example/{image}" if isinstance(image, str) else image for image in images]
    params = {
        "name": "registry.example/app",
        "tags": list(tags),
        "images": named,
        "annotations": None,
        "manifests": None,
        "state": state,
    }
    return _manifest_join.run(params, check)


BOTH = ("app:armhf", "app:arm64")


def test_it_is_written_once_and_never_in_check_mode(memory: Any) -> None:
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


def test_a_tag_that_points_elsewhere_is_noticed_and_no_other_is_written(memory: Any) -> None:
    join(*BOTH)
    one = join("app:armhf", tags=("2",))
    again = join(*BOTH)
    assert again["actions"] == [f"point registry.example/app:2 to {again['digest']}"]
    assert memory.written[-2:] == ["2", "2"]
    assert one["diff"]["after"] == f"registry.example/app:2 linux/arm/v7: {memory.digest('app', 'armhf')}\n"


def test_an_image_of_another_repository_is_copied_before_it_is_listed(memory: Any) -> None:
    other = memory.push("other", "1", "arm", "v5")
    done = join("app:arm64", "other:1")
    assert memory.written == [other.digest, done["digest"], "1", "2"]
    assert memory.blob("app", other.config_digest)


def test_an_index_that_does_not_resolve_gets_no_tag(memory: Any) -> None:
    lost = memory.push("other", "1", "arm", "v5")
    join("other:1")
    del memory.blobs["app", lost.config_digest]
    with pytest.raises(CrossbuildError, match="does not resolve: no such blob"):
        join("other:1")
    with pytest.raises(CrossbuildError, match="does not resolve: no such blob"):
        join("other:1", tags=("3",))
    assert "3" not in memory.tags("app")


@pytest.mark.parametrize("forgotten", ["2", "index"])
def test_what_was_taken_and_is_not_there_is_noticed(memory: Any, forgotten: str) -> None:
    memory.forgotten = forgotten if forgotten == "2" else join(*BOTH, check=True)["digest"]
    with pytest.raises(
        CrossbuildError, match=r"still to do: point registry.example/app:2 to|was stored, and is not there"
    ):
        join(*BOTH)


def test_a_failure_between_two_tags_names_them_and_the_next_run_writes_the_rest(memory: Any) -> None:
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
def test_nothing_is_written_before_all_is_known_to_be_right(memory: Any, images: list[Any], words: str) -> None:
    with pytest.raises(CrossbuildError, match=words):
        join(*images)
    assert memory.written == []


def test_absent_takes_what_was_joined_and_nothing_else(memory: Any) -> None:
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


def test_in_check_mode_images_may_still_be_to_be_pushed(memory: Any) -> None:
    checked = join("app:armhf", "app:later", check=True)
    words = "join registry.example/app:armhf, registry.example/app:later under registry.example/app:1, registry.example/app:2"
    assert (checked["changed"], checked["actions"]) == (True, [words + ", once they are pushed"])
    assert "Not in the registry: registry.example/app:later" in checked["warnings"][0]
    with pytest.raises(CrossbuildError, match=r"Not in the registry: registry.example/app:later"):
        join("app:armhf", "app:later")


def join_all(*manifests: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    params = {"name": None, "tags": list(tags), "images": None, "annotations": None, "state": "present"}
    each = [{"tags": [], "annotations": None, **one} for one in manifests]
    return _manifest_join.run({**params, "manifests": each}, False)


def manifest(name: str, *images: str) -> dict[str, Any]:
    return {"name": f"registry.example/{name}", "images": [f"registry.example/{image}" for image in images]}


def test_many_at_once(memory: Any) -> None:
    asked = (manifest("app:1", *BOTH), manifest("app:2", "app:armhf"))
    done = join_all(*asked)
    assert (done["changed"], len(done["manifests"])) == (True, 2)
    assert list(done["manifests"][0]["platforms"]) == ["linux/arm/v7", "linux/arm64"]
    assert [one["tags"] for one in done["manifests"]] == [["registry.example/app:1"], ["registry.example/app:2"]]
    assert done["diff"]["before"] == "registry.example/app:1: nothing\nregistry.example/app:2: nothing\n"
    again = join_all(*asked)
    assert (again["changed"], again["actions"]) == (False, [])


def test_where_one_fails_the_others_are_joined(memory: Any) -> None:
    with pytest.raises(CrossbuildError, match=r"^registry.example/app:1: .*app:none") as failed:
        join_all(manifest("app:1", "app:none"), manifest("app:2", *BOTH))
    [bad, good] = failed.value.result["manifests"]
    assert "error" in bad and "error" not in good
    assert good["changed"] and memory.written[-1] == "2"


def test_tags_are_for_a_single_name(memory: Any) -> None:
    with pytest.raises(CrossbuildError, match="tags is for a single name"):
        join_all(manifest("app:1", *BOTH), tags=("1",))
    assert memory.written == []
