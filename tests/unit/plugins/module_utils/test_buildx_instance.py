# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A builder as it is asked for and as buildx records it. The target image_farm_buildx has a real buildx."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _buildx_instance
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

NODES: list[dict[str, Any]] = [
    {"name": "one", "endpoint": "tcp://one:1234", "platforms": ["amd64", "armhf"], "driver_options": {"env.A": "1,2"}},
    {"name": "Two", "endpoint": "tcp://two:1234", "platforms": ["armhf", "arm64/v8"], "driver_options": None},
]
# As buildx 0.13 writes it.
RECORD = {
    "Name": "farm",
    "Driver": "remote",
    "Nodes": [
        {
            "Name": "one",
            "Endpoint": "tcp://one:1234",
            "Platforms": [
                {"architecture": "amd64", "os": "linux"},
                {"architecture": "arm", "os": "linux", "variant": "v7"},
            ],
            "DriverOpts": {"env.A": "1,2"},
            "Flags": None,
            "Files": None,
        },
        {
            "Name": "two",
            "Endpoint": "tcp://two:1234",
            "Platforms": [{"architecture": "arm64", "os": "linux"}],
            "DriverOpts": {},
        },
    ],
    "Dynamic": False,
}


def farm(*nodes: Any, driver: str = "remote") -> _buildx_instance.Instance:
    return _buildx_instance.wanted("farm", driver, nodes or NODES)


def test_what_is_asked_for_is_what_is_recorded() -> None:
    assert _buildx_instance.read(json.dumps(RECORD)) == farm()


def test_a_record_of_nothing() -> None:
    found = _buildx_instance.read('{"Name": "a", "Driver": "kubernetes", "Nodes": null}')
    assert found.lines() == ["builder: a (kubernetes)"]
    platforms = [{"os": "windows", "architecture": "amd64"}]
    node = {"Name": "n", "Endpoint": "e", "Platforms": platforms, "DriverOpts": None}
    found = _buildx_instance.read(json.dumps({"Name": "a", "Driver": "remote", "Nodes": [node]}))
    assert found.lines()[1] == "node: n at e for windows/amd64"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Name": "a", "Driver": "b", "Nodes": [{"Name": "c"}]}'])
def test_what_is_no_record(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        _buildx_instance.read(text)


def test_the_commands() -> None:
    assert farm().creation(0) == [
        *("create", "--name", "farm", "--driver", "remote", "--node", "one"),
        *("--platform", "linux/amd64,linux/arm/v7", "--driver-opt", '"env.A=1,2"', "tcp://one:1234"),
    ]
    assert farm().creation(1) == [
        *("create", "--name", "farm", "--driver", "remote", "--node", "two", "--append"),
        *("--platform", "linux/arm64", "tcp://two:1234"),
    ]


def test_a_platform_is_the_first_nodes() -> None:
    found = farm().node_for("linux/arm/v7")
    assert found and found.name == "one"
    assert farm().node_for("linux/s390x") is None
    assert [node.platforms for node in farm(*reversed(NODES)).nodes] == [
        ["linux/arm/v7", "linux/arm64"],
        ["linux/amd64"],
    ]


def test_every_difference_is_a_line() -> None:
    changes: list[Any] = [
        [{**NODES[0], "endpoint": "tcp://three:1"}, NODES[1]],
        [{**NODES[0], "platforms": ["amd64"]}, NODES[1]],
        [{**NODES[0], "driver_options": {}}, NODES[1]],
        [NODES[1], NODES[0]],
        [NODES[0]],
    ]
    seen = [tuple(farm(*nodes).lines()) for nodes in changes]
    assert len({tuple(farm().lines()), tuple(farm(driver="docker-container").lines()), *seen}) == 7


@pytest.mark.parametrize(
    ("nodes", "driver", "keeps"),
    [
        (NODES, "remote", True),
        (NODES[:1], "remote", True),
        ([{**NODES[0], "platforms": []}], "remote", True),
        ([{**NODES[0], "driver_options": {"env.A": "2"}}], "remote", False),
        ([{**NODES[0], "endpoint": "tcp://three:1"}], "remote", False),
        (NODES, "docker-container", False),
    ],
)
def test_which_nodes_go_on(nodes: Any, driver: str, keeps: bool) -> None:
    assert farm(*nodes, driver=driver).keeps_daemons_of(farm()) is keeps


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "9"}, r"nodes\[0\]: name: buildx takes no name '9'. It begins with a letter"),
        ({"name": "a b"}, "takes no name 'a b'"),
        ({"name": "TWO"}, r"nodes\[1\]: the name two is that of another node"),
        ({"endpoint": "tcp://two:1234"}, r"nodes\[1\]: the endpoint tcp://two:1234 is that of another node"),
        ({"endpoint": "one"}, r"nodes\[0\]: the endpoint 'one' is no address"),
        ({"platforms": ["arm65"]}, r"nodes\[0\]: Unknown platform 'arm65'"),
        ({"driver_options": {"a": ["b"]}}, r"nodes\[0\]: the driver option a is \['b'\]; it must be a string"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(CrossbuildError, match=words):
        farm({**NODES[0], **changed}, NODES[1])


def test_names_and_lists_that_are_refused() -> None:
    with pytest.raises(CrossbuildError, match="is what buildx calls the engine itself"):
        _buildx_instance.builder_name("default")
    with pytest.raises(CrossbuildError, match="nodes names none"):
        _buildx_instance.wanted("farm", "remote", [])


def test_words_of_yaml_are_those_of_buildx() -> None:
    [node] = farm({**NODES[0], "driver_options": {"default-load": True, "n": 3}}).nodes
    assert node.driver_options == {"default-load": "true", "n": "3"}
    # An engine may be named by a context, which is no address.
    assert farm({**NODES[0], "endpoint": "far"}, driver="docker-container").nodes[0].endpoint == "far"
