# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry in memory, and an engine that pushes to it or says why not. The target docker_image_outputs has real ones."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _push
from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import converge
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._output import Made
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform, parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._push import Push
from ansible_collections.trusted.crossbuild.plugins.module_utils._registry_credentials import Credentials

NAME = "registry.example/app"
ARM, ARM64 = parse("armhf"), parse("arm64")


class Task:
    """What Push wants of a BuildTask; the engine is in it, too. ``says`` is its complaint about a push of a tag."""

    def __init__(self, memory: Any) -> None:
        self.engine = self
        self.params: dict[str, Any] = {"registry": {}}
        self.memory = memory
        self.says: dict[str, str] = {}
        self.pushed: list[str] = []
        self.credentials: list[dict[str, str]] = []

    def now(self, _activity: str) -> None:
        pass

    def now_as(self, _where: Any) -> None:
        pass

    def push(self, name: str, tag: str, credentials: dict[str, str]) -> None:
        assert name == NAME
        self.credentials.append(credentials)
        if tag in self.says:
            raise CrossbuildError(self.says[tag])
        self.pushed.append(tag)
        self.memory.push("app", tag, *(("arm64",) if tag.endswith("arm64") else ("arm", "v7")))


@pytest.fixture
def task(memory: Any) -> Task:
    return Task(memory)


def made(memory: Any, platform: Platform, tag: str, recorded: Platform | None = None) -> Made:
    """An image whose ID is that of what ``Task.push`` pushes."""
    source = "arm64" if platform == ARM64 else "armhf"
    identity = memory.manifest("app", source).config_digest
    return Made(platform, f"{NAME}:{tag}", Image(identity, recorded or platform, {}, [], []))


def push(task: Task, images: list[Made], check: bool = False) -> dict[str, Any]:
    return converge(lambda: Push(task, NAME, "1").plan(images), check)  # type: ignore[arg-type]


def two(memory: Any) -> list[Made]:
    return [made(memory, ARM, "1-linux-arm-v7"), made(memory, ARM64, "1-linux-arm64")]


def test_one_image_is_pushed_once(task: Task, memory: Any) -> None:
    image = made(memory, ARM, "1")
    checked = push(task, [image], check=True)
    assert task.pushed == [] and "digest" not in checked
    done = push(task, [image])
    assert (task.pushed, done["actions"], checked["actions"]) == (["1"], [f"push {NAME}:1"], [f"push {NAME}:1"])
    assert done["digest"] == memory.digest("app", "1") == done["digests"][f"{NAME}:1"]
    assert not push(task, [image])["changed"]
    assert task.credentials == [{}]


def test_an_image_known_by_its_manifest_is_the_same(task: Task, memory: Any) -> None:
    digest = memory.push("app", "1", "arm", "v7").digest
    assert not push(task, [Made(ARM, f"{NAME}:1", Image(digest, ARM, {}, [], []))])["changed"]


def test_another_image_under_the_tag_is_replaced(task: Task, memory: Any) -> None:
    memory.push("app", "1", "s390x")
    assert push(task, [made(memory, ARM, "1")])["changed"]


def test_several_are_pushed_and_joined_as_docker_manifest_does(task: Task, memory: Any) -> None:
    images = two(memory)
    checked = push(task, images, check=True)
    assert memory.written == []
    done = push(task, images)
    assert done["actions"] == checked["actions"]
    assert done["actions"][2] == f"point {NAME}:1 to an index of linux/arm/v7, linux/arm64"
    assert memory.written == [done["digest"], "1"]
    assert [entry.platform for entry in memory.manifest("app", "1").entries] == ["linux/arm/v7", "linux/arm64"]
    assert not push(task, images)["changed"]
    assert not push(task, images[::-1])["changed"]


def test_an_index_that_points_elsewhere_is_set_again(task: Task, memory: Any) -> None:
    digest = push(task, two(memory))["digest"]
    memory.push("app", "1", "arm", "v7")
    assert push(task, two(memory))["actions"] == [f"point {NAME}:1 to {digest}"]


def test_a_variant_that_is_not_recorded_is_the_one_asked_for(task: Task, memory: Any) -> None:
    memory.push("app", "1-linux-arm-v6", "arm")
    identity = memory.manifest("app", "1-linux-arm-v6").config_digest
    image = Made(parse("arm/v6"), f"{NAME}:1-linux-arm-v6", Image(identity, Platform("arm"), {}, [], []))
    memory.push("app", "1-linux-arm64", "arm64")
    push(task, [image, made(memory, ARM64, "1-linux-arm64")])
    assert [entry.platform for entry in memory.manifest("app", "1").entries] == ["linux/arm/v6", "linux/arm64"]


def test_images_that_are_still_to_be_built_are_planned_for(task: Task, memory: Any) -> None:
    images = [made(memory, ARM, "1-linux-arm-v7"), Made(ARM64, f"{NAME}:1-linux-arm64", None)]
    assert push(task, images, check=True)["actions"] == [
        f"push {NAME}:1-linux-arm-v7",
        f"push {NAME}:1-linux-arm64",
        f"point {NAME}:1 to an index of linux/arm/v7, linux/arm64",
    ]


def test_a_push_that_fails_leaves_the_index_alone(task: Task, memory: Any) -> None:
    before = push(task, two(memory))["digest"]
    memory.push("app", "1-linux-arm-v7", "s390x")
    memory.push("app", "1-linux-arm64", "s390x")
    task.says = {"1-linux-arm64": "EOF"}
    with pytest.raises(
        CrossbuildError, match=f"^{NAME}:1-linux-arm64 was not pushed to registry.example: EOF[.] The registry"
    ):
        push(task, two(memory))
    assert memory.digest("app", "1") == before
    task.says = {}
    assert push(task, two(memory))["digest"] == before


def test_the_engine_is_told_who_pushes_and_the_user_only_where_that_is_from(task: Task, memory: Any) -> None:
    memory.credentials = Credentials("the options", "builder", "s3cret")
    task.says = {"1": "denied: requested access to the resource is denied"}
    with pytest.raises(CrossbuildError) as caught:
        push(task, [made(memory, ARM, "1")])
    assert task.credentials == [{"username": "builder", "password": "s3cret", "serveraddress": "registry.example"}]
    assert "The user builder (from the options) may not push there." in str(caught.value)
    assert "s3cret" not in str(caught.value)


# As engines say it.
@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Get https://nowhere.invalid/v2/: dial tcp: lookup nowhere.invalid: no such host", "knows no address"),
        ("Get https://r:5000/v2/: http: server gave HTTP response to HTTPS client", "insecure-registries"),
        (
            "Get https://r:5003/v2/: x509: certificate signed by unknown authority",
            "/etc/docker/certs.d/r.example/ca.crt",
        ),
        ("denied: requested access to the resource is denied", "Who may not push"),
        ("no basic auth credentials", "Who may not push"),
        ("unauthorized: authentication required", "Who may not push"),
        ("toomanyrequests: You have reached your limit", "Try again later"),
        (
            "Put http://r:5000/v2/app/blobs/uploads/x: dial tcp 127.0.0.1:5000: connect: connection refused",
            "run this again",
        ),
        ("write tcp 127.0.0.1:1->127.0.0.1:5000: write: connection reset by peer", "run this again"),
        ("unsupported: The operation is unsupported.", "read-only"),
        ("error parsing HTTP 405 response body: invalid character 'M' looking for beginning of value", "read-only"),
        ("received unexpected HTTP status: 500 Internal Server Error", "storage has room"),
        ("received unexpected HTTP status: 504 Gateway Timeout", "storage has room"),
        ("error parsing HTTP 507 response body: unexpected end of JSON input", "storage has room"),
        ("something new", "engine's log"),
    ],
)
def test_what_to_do_about_a_failed_push(said: str, advice: str) -> None:
    assert advice in _push._remedy(said, "r.example", "Who")
