# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A builder of buildx and its nodes: what is asked for, what buildx recorded, and the commands that make it; pure.

buildx gives a platform to one node of a builder: the record has it for the node that named it last, and no other. Where a node
is to come first it has to have been the first one, so here it is the first one that names a platform that has it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from . import _platform
from ._errors import CrossbuildError

# Of builders and nodes, by https://github.com/docker/buildx/blob/master/store/util.go. It writes them in lower case.
_NAME = re.compile(r"[a-z][a-z0-9._-]*")
_RULE = "It begins with a letter, and has letters, digits, dots, dashes and underscores"
# A node of this driver is a BuildKit that somebody else runs, at an address.
REMOTE = "remote"


@dataclass(frozen=True)
class Node:
    """``platforms`` are as Docker writes them."""

    name: str
    endpoint: str
    platforms: Sequence[str]
    driver_options: Mapping[str, str]

    def words(self) -> str:
        platforms = ", ".join(self.platforms) or "what no other node has"
        options = "".join(f", {name}={value}" for name, value in sorted(self.driver_options.items()))
        return f"{self.name} at {self.endpoint} for {platforms}{options}"


@dataclass(frozen=True)
class Instance:
    name: str
    driver: str
    nodes: Sequence[Node]

    def lines(self) -> list[str]:
        return [f"builder: {self.name} ({self.driver})", *(f"node: {node.words()}" for node in self.nodes)]

    def described(self) -> dict[str, Any]:
        nodes = [
            {
                "name": node.name,
                "endpoint": node.endpoint,
                "platforms": list(node.platforms),
                "driver_options": dict(node.driver_options),
            }
            for node in self.nodes
        ]
        return {"name": self.name, "driver": self.driver, "nodes": nodes}

    def node_for(self, platform: str) -> Node | None:
        """The node that buildx builds a platform on; None where that is not said by the record."""
        return next((node for node in self.nodes if platform in node.platforms), None)

    def keeps_daemons_of(self, found: Instance) -> bool:
        """Whether nodes of ``found`` may go on as they run, for this one."""
        known = {node.name: node for node in found.nodes}
        again = [(node, known[node.name]) for node in self.nodes if node.name in known]
        alike = all((new.endpoint, new.driver_options) == (old.endpoint, old.driver_options) for new, old in again)
        return self.driver == found.driver and alike

    def creation(self, index: int) -> list[str]:
        """The words behind ``docker buildx`` that make the node of this number; the first one makes the builder, too."""
        node = self.nodes[index]
        words = ["create", "--name", self.name, "--driver", self.driver, "--node", node.name]
        words += ["--append"] if index else []
        words += ["--platform", ",".join(node.platforms)] if node.platforms else []
        for name, value in node.driver_options.items():
            words += ["--driver-opt", _field(f"{name}={value}")]
        return [*words, node.endpoint]


def _field(text: str) -> str:
    """One field of the comma-separated values that the option takes."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([text])
    return written.getvalue()


def builder_name(name: str) -> str:
    """Raises CrossbuildError for what is none."""
    if name == "default":
        raise CrossbuildError("name: 'default' is what buildx calls the engine itself. Name a builder otherwise.")
    return _name("name", name)


def wanted(name: str, driver: str, nodes: Iterable[Mapping[str, Any]]) -> Instance:
    """What a task asks for. Raises CrossbuildError for what buildx would refuse, or take for something else."""
    found: list[Node] = []
    for number, given in enumerate(nodes):
        node = _node(f"nodes[{number}]", driver, given, [one for other in found for one in other.platforms])
        for other in found:
            for what in ("name", "endpoint"):
                if getattr(node, what) == getattr(other, what):
                    raise CrossbuildError(
                        f"nodes[{number}]: the {what} {getattr(node, what)} is that of another node. Each has one of its own."
                    )
        found.append(node)
    if not found:
        raise CrossbuildError(
            "nodes names none, and a builder has one at least. To remove the builder, say state: absent."
        )
    return Instance(builder_name(name), driver, found)


def _node(where: str, driver: str, given: Mapping[str, Any], taken: Sequence[str]) -> Node:
    if driver == REMOTE and "://" not in given["endpoint"]:
        raise CrossbuildError(
            f"{where}: the endpoint {given['endpoint']!r} is no address, as the driver {REMOTE} needs one. Write tcp://HOST:PORT,"
            " unix:///PATH or ssh://HOST."
        )
    try:
        platforms = [str(platform) for platform in _platform.parse_list(given.get("platforms") or [])]
    except CrossbuildError as exc:
        raise CrossbuildError(f"{where}: {exc}") from exc
    return Node(
        _name(f"{where}: name", given["name"]),
        given["endpoint"],
        [platform for platform in platforms if platform not in taken],
        {name: _option(f"{where}: the driver option {name}", value) for name, value in _options(given)},
    )


def _options(given: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return (given.get("driver_options") or {}).items()


def _name(what: str, name: str) -> str:
    if not _NAME.fullmatch(name.lower()):
        raise CrossbuildError(f"{what}: buildx takes no name {name!r}. {_RULE}.")
    return name.lower()


def _option(what: str, value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise CrossbuildError(f"{what} is {value!r}; it must be a string. Quote it.")
    # YAML's true is buildx's "true".
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(text: str) -> Instance:
    """What buildx recorded. Raises ValueError, KeyError or TypeError where it is something else."""
    record = json.loads(text)
    nodes = [
        Node(
            one["Name"],
            one["Endpoint"],
            [_written(platform) for platform in one.get("Platforms") or []],
            {name: str(value) for name, value in (one.get("DriverOpts") or {}).items()},
        )
        for one in record["Nodes"] or []
    ]
    return Instance(record["Name"], record["Driver"], nodes)


def _written(platform: Mapping[str, str]) -> str:
    text = "/".join(filter(None, (platform["os"], platform["architecture"], platform.get("variant"))))
    try:
        return str(_platform.parse(text))
    except CrossbuildError:
        return text  # what somebody else asked for
