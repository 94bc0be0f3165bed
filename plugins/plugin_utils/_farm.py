# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host of a farm builds what; pure.

A build is one image for one platform, a dict of ``image`` (the name that the user gave), ``platform`` (as Docker writes it),
``name`` and ``tag`` (what the engine calls it) and ``options`` (the item that it comes from). Once it is given to a host, it
has ``host`` and ``status``, too. An outcome is what came of it, a small dict that names it by ``image`` and ``platform``.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.trusted.crossbuild.plugins.module_utils import _buildx_plugin, _platform, _registry_reference
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

Build = dict[str, Any]
Outcome = dict[str, Any]
# What each host proved: platforms as Docker writes them, and whether natively or by an emulator.
Proven = Mapping[str, Mapping[str, str]]
NATIVE = "native"
# What came of a build that was to be emulated, and ran native tools where it could.
ACCELERATED = "accelerated"
FAILED, LOST = "failed", "lost"
# What each host is to buildx: ``endpoint``, where it is reached as a node, and ``buildx``, what "docker buildx version" said there.
Abouts = Mapping[str, Mapping[str, str]]
# How many hosts a build may take down.
_ATTEMPTS = 2
# What an image of the list says that decides what its build is known by.
_OPTIONS = (
    "path",
    "dockerfile",
    "dockerfile_inline",
    "args",
    "target",
    "labels",
    "network",
    "pull",
    "rebuild",
    "verify",
    "smoke_test",
    "builder",
)


def builds(images: Iterable[Mapping[str, Any]]) -> list[Build]:
    """Each platform of each image. Those with an unknown name, which ``problems`` tells, are left out."""
    return [
        _build(image, platform)
        for image in images
        for platform in dict.fromkeys(filter(None, map(_known, image["platforms"])))
    ]


def _build(image: Mapping[str, Any], platform: str) -> Build:
    """Each platform has a name of its own on an engine, as for docker_image with several platforms."""
    repository, colon, tag = image["name"].rpartition(":")
    name, tag = (repository, tag) if colon and "/" not in tag else (image["name"], "latest")
    suffixed = f"{tag}-{platform.replace('/', '-')}"
    return {"image": image["name"], "platform": platform, "name": name, "tag": suffixed, "options": dict(image)}


def problems(images: Sequence[Mapping[str, Any]], proven: Proven | None, ledger: str) -> list[str]:
    """All that is wrong with a list of images, in words: nothing is built while there is one.

    Without ``proven`` no host was asked yet.
    """
    found = []
    names = Counter(name for image in images for name in _names(image))
    found += [f"{name} is named {count} times." for name, count in names.items() if count > 1]
    somewhere = {platform for platforms in (proven or {}).values() for platform in platforms}
    for image in images:
        found += _misplaced(image["name"], ledger)
        if not image["platforms"]:
            found.append(f"{image['name']}: platforms names none.")
        for given in image["platforms"]:
            try:
                platform = str(_platform.parse(given))
            except CrossbuildError as exc:
                found.append(f"{image['name']}: {exc}")
                continue
            if proven is not None and platform not in somewhere:
                asked = ", ".join(sorted(proven)) or "no host"
                found.append(f"{image['name']}: no host proved that it runs {platform} (asked: {asked}).")
    return list(dict.fromkeys(found))


def assign(
    wanted: Iterable[Mapping[str, Any]], proven: Proven, seconds: Iterable[Mapping[str, Any]] = ()
) -> tuple[dict[str, list[Build]], list[Build]]:
    """The builds of each host, the longest first, and those that no host can do.

    A build goes to hosts that run its platform natively, where there are any, else to those that emulate it; of them to the one
    that has the least to do. The longest are given away first (LPT: at most a third slower than the best that is possible, on
    equal hosts). One whose time is not known takes as long as the others do.
    """
    known = {(one["image"], one["platform"]): float(one["seconds"]) for one in seconds if one["seconds"] is not None}
    usual = statistics.median(known.values()) if known else 1.0
    cost = {_name(build): known.get(_name(build), usual) for build in wanted}
    given: dict[str, list[Build]] = {host: [] for host in sorted(proven)}
    busy = dict.fromkeys(given, 0.0)
    nobody = []
    # Where two take equally long their names decide, so that the same list is given away in the same way.
    for build in sorted(map(dict, wanted), key=lambda build: (-cost[_name(build)], _name(build))):
        able = [host for host in given if build["platform"] in proven[host]]
        natively = [host for host in able if proven[host][build["platform"]] == NATIVE]
        if not able:
            nobody.append(build)
            continue
        host = min(natively or able, key=lambda host: (busy[host], len(given[host])))
        busy[host] += cost[_name(build)]
        given[host].append({**build, "host": host, "status": proven[host][build["platform"]]})
    return given, nobody


def by_platform(proven: Proven) -> dict[str, dict[str, str]]:
    """Each platform with one host, as a builder of buildx has it: with one that runs it natively, where there is one.

    Of several it is the host that has the fewest, so that platforms go on side by side.
    """
    given: dict[str, dict[str, str]] = {host: {} for host in sorted(proven)}
    for platform in sorted({platform for platforms in proven.values() for platform in platforms}):
        able = [host for host in given if platform in proven[host]]
        natively = [host for host in able if proven[host][platform] == NATIVE]
        host = min(natively or able, key=lambda host: len(given[host]))
        given[host][platform] = proven[host][platform]
    return given


def nodes(given: Proven, abouts: Abouts, driver_options: Mapping[str, str]) -> list[dict[str, Any]]:
    """The nodes of the builder, for buildx_builder: hosts that have platforms, those that run one natively first."""
    having = [host for host in given if given[host]]
    return [
        {
            "name": node_name(host),
            "endpoint": abouts[host]["endpoint"],
            "platforms": sorted(given[host], key=lambda platform: (given[host][platform] != NATIVE, platform)),
            "driver_options": dict(driver_options),
        }
        for host in sorted(having, key=lambda host: (NATIVE not in given[host].values(), host))
    ]


def node_name(host: str) -> str:
    """A host's name as buildx takes it; addresses begin with a digit."""
    name = re.sub(r"[^a-z0-9._-]", "-", host.lower())
    return name if re.match("[a-z]", name) else f"node-{name}"


def heads(abouts: Abouts) -> list[str]:
    """The hosts that can drive a builder."""
    return [host for host, about in abouts.items() if _drives(about["buildx"])]


def _drives(said: str) -> bool:
    """As in "github.com/docker/buildx v0.13.1 788433953af1"; nothing where there is none."""
    found = re.search(r"\bv?(\d+\.\d+)", said)
    return found is not None and _buildx_plugin.Plugin("", found.group(1)).usable


def buildx_problems(proven: Proven, abouts: Abouts) -> list[str]:
    """Why these hosts cannot build by a builder of buildx, in words."""
    found = []
    unknown = [host for host in proven if proven[host] and not abouts[host]["endpoint"]]
    if unknown:
        found.append(
            f"image_farm_node is not set for {', '.join(unknown)}: it says where buildx reaches a host, such as"
            " tcp://build1.example:1234 or ssh://root@build1.example."
        )
    if not heads(abouts):
        found.append(
            f"None of the hosts ({', '.join(abouts) or 'there are none'}) has buildx {_buildx_plugin.OLDEST} or newer, which one"
            " of them needs to drive the others. The role trusted.crossbuild.docker_engine brings it with docker_engine_buildx;"
            " or let each host build by itself, with image_farm_engine: ansible."
        )
    return found


def outcomes(results: Iterable[Mapping[str, Any]], head: str | None = None) -> list[Outcome]:
    """What came of the builds that hosts tried, from the results of docker_image in a loop over them.

    With ``head`` that host drove them, and is to blame for what is not a node's fault. ``state`` is ``built``, ``found`` (in the
    ledger), ``planned`` (in check mode), ``failed`` (for its own reason: another host would fail in the same way) or ``lost`` (with
    its host).
    """
    return [_outcome(result["item"], result, head) for result in results if not result.get("skipped")]


def asked(given: Iterable[Build]) -> list[dict[str, Any]]:
    """As ledger_build_info wants them. Those with secrets are none of its business."""
    return [
        {
            **{name: build["options"][name] for name in _OPTIONS if build["options"].get(name) is not None},
            "name": build["name"],
            "tag": build["tag"],
            "platforms": [build["platform"]],
        }
        for build in _without_secrets(given)
    ]


def found(given: Sequence[Build], answers: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """The outcomes of those builds that the ledger has, by what ledger_build_info said of ``asked(given)``.

    ``host`` is who built it; ``status`` is empty where that host does not say by which emulator.
    """
    return [
        {
            **{name: build[name] for name in ("image", "platform")},
            "host": answer["ledger"]["host"],
            "status": "emulated" if answer["ledger"]["emulator"] else "",
            "state": "found",
            **_of_ledger(answer["ledger"]),
            "reason": "",
        }
        for build, answer in zip(_without_secrets(given), answers, strict=False)
        if answer["ledger"]
    ]


def _of_ledger(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"digest": entry.get("image"), "seconds": entry.get("seconds"), "builder": entry.get("host")}


def _without_secrets(given: Iterable[Build]) -> list[Build]:
    return [build for build in given if not build["options"].get("secrets")]


def head_lost(head: str, result: Mapping[str, Any]) -> list[Outcome]:
    """What to enter for a head that could not make the builder. It is of no build."""
    reason = f"The builder could not be made there: {result.get('msg', '')}"
    return [
        {"image": None, "platform": None, "host": head, "status": "", "state": LOST, "digest": None, "reason": reason}
    ]


def _outcome(build: Build, result: Mapping[str, Any], head: str | None) -> Outcome:
    ledger = result.get("ledger") or {}
    accelerated = any(one["accelerator"] for one in result.get("acceleration") or [])
    blamed = {"host": head} if head and _state(result) == LOST and not result.get("node_fault") else {}
    return {
        **{name: build[name] for name in ("image", "platform", "host", "status")},
        **({"status": ACCELERATED} if accelerated else {}),
        **blamed,
        "state": _state(result),
        **_of_ledger(ledger),
        "reason": result.get("msg", "") if _state(result) in (FAILED, LOST) else "",
    }


def _state(result: Mapping[str, Any]) -> str:
    if result.get("unreachable") or result.get("host_fault"):
        return LOST
    if result.get("failed"):
        return FAILED
    if not result.get("ledger"):
        return "planned"
    return "built" if result.get("changed") else "found"


def state(
    wanted: Sequence[Build], proven: Proven, known: Sequence[Outcome], heads: Sequence[str] | None = None
) -> dict[str, Any]:
    """Where a farm is, after these outcomes: what is ``left`` for the hosts that are ``able``, and what can be joined.

    A build that was lost with its host goes to another one, once: the next host that it takes down is the last. Where only
    ``heads`` can drive a build, none is left when they are gone.
    """
    lost = {one["host"]: one["reason"] for one in known if one["state"] == LOST}
    able = {host: platforms for host, platforms in proven.items() if host not in lost}
    taken = [_name(one) for one in known if one["state"] == LOST]
    known = [one for one in known if one["image"]]
    ended = {_name(one): one for one in known if one["state"] != LOST or taken.count(_name(one)) >= _ATTEMPTS}
    left = [build for build in wanted if _name(build) not in ended]
    driven = not heads or any(host in able for host in heads)
    nobody = assign(left, able if driven else {})[1]
    of_image: dict[str, list[Build]] = {}
    for build in wanted:
        of_image.setdefault(build["image"], []).append(build)
    joined = {image: [ended.get(_name(build), {}) for build in parts] for image, parts in of_image.items()}
    return {
        "left": [build for build in left if build not in nobody],
        "nobody": nobody,
        "driven": driven,
        "able": able,
        "lost": lost,
        "ended": list(ended.values()),
        "failed": [one for one in ended.values() if one["state"] in (FAILED, LOST)],
        "join": [
            _join(of_image[image][0], parts)
            for image, parts in joined.items()
            if all(one.get("digest") for one in parts)
        ],
        "unfinished": [image for image, parts in joined.items() if not all(one.get("digest") for one in parts)],
    }


def _join(build: Build, parts: Sequence[Outcome]) -> dict[str, Any]:
    """What docker_manifest is to join: exactly the images that were proven."""
    images = [{"name": one["digest"], "platform": one["platform"]} for one in parts]
    return {"name": build["image"], "tags": build["options"].get("tags") or [], "images": images}


def _name(build: Mapping[str, Any]) -> tuple[str, str]:
    return build["image"], build["platform"]


def _known(name: str) -> str | None:
    try:
        return str(_platform.parse(name))
    except CrossbuildError:
        return None


def _names(image: Mapping[str, Any]) -> list[str]:
    """What an image will be called in the registry, in full. Names that are none are told elsewhere."""
    try:
        reference = _registry_reference.parse(image["name"])
    except CrossbuildError:
        return [image["name"]]
    tags = [reference.tag, *(image.get("tags") or [])] if reference.tag else image.get("tags") or ["latest"]
    return [f"{reference.registry}/{reference.repository}:{tag}" for tag in dict.fromkeys(tags)]


def _misplaced(name: str, ledger: str) -> list[str]:
    """A registry shares layers between its repositories, and not with another registry."""
    try:
        reference, place = _registry_reference.parse(name), _registry_reference.parse(ledger)
    except CrossbuildError as exc:
        return [str(exc)]
    if reference.digest:
        return [f"{name} has a digest, which cannot be chosen. Name a tag."]
    if reference.registry != place.registry:
        return [
            f"{name} is to be in the registry {reference.registry}, and the ledger is in {place.registry}. Name one registry."
        ]
    return []
