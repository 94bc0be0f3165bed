# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who builds what, and what becomes of a build whose host is gone. The target image_farm has real hosts."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.plugin_utils import _farm

PLATFORMS = ["linux/amd64", "linux/arm/v7", "linux/arm64"]
LEDGER = "registry.example/ledger"
hosts = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.dictionaries(st.sampled_from(PLATFORMS), st.sampled_from(["native", "emulated"])),
)
times = st.one_of(st.none(), st.floats(min_value=0.1, max_value=1000))
timed = st.dictionaries(st.tuples(st.sampled_from(["x", "y", "z"]), st.sampled_from(PLATFORMS)), times)


def build(image: str, platform: str) -> dict[str, Any]:
    return {"image": image, "platform": platform, "options": {"tags": ["latest"]}}


def durations(known: dict[tuple[str, str], float | None]) -> list[dict[str, Any]]:
    return [{"image": image, "platform": platform, "seconds": seconds} for (image, platform), seconds in known.items()]


def names(builds: Any) -> list[tuple[str, str]]:
    return [(one["image"], one["platform"]) for one in builds]


@given(hosts, timed)
def test_each_build_goes_to_one_host_that_can_do_it(proven: Any, known: Any) -> None:
    wanted = [build(*name) for name in known]
    assigned, nobody = _farm.assign(wanted, proven, durations(known))
    everywhere = [name for builds in assigned.values() for name in names(builds)] + names(nobody)
    assert Counter(everywhere) == Counter(names(wanted))
    assert all(one["platform"] in proven[host] for host, builds in assigned.items() for one in builds)
    assert all(one["host"] == host for host, builds in assigned.items() for one in builds)
    assert not any(one["platform"] in platforms for one in nobody for platforms in proven.values())


@given(hosts, timed)
def test_nothing_is_emulated_that_a_host_runs_natively(proven: Any, known: Any) -> None:
    assigned, _nobody = _farm.assign([build(*name) for name in known], proven, durations(known))
    natively = {name for platforms in proven.values() for name, status in platforms.items() if status == "native"}
    emulated = {one["platform"] for builds in assigned.values() for one in builds if one["status"] == "emulated"}
    assert not emulated & natively


def loads(way: tuple[int, ...], seconds: list[float], count: int) -> list[list[float]]:
    return [[second for host, second in zip(way, seconds, strict=True) if host == number] for number in range(count)]


@given(st.integers(1, 3), st.dictionaries(st.sampled_from("uvwxyz"), st.floats(1, 100), min_size=1))
def test_on_equal_hosts_the_last_one_is_done_in_good_time(count: int, known: dict[str, float]) -> None:
    proven = {f"host{number}": {"linux/arm64": "emulated"} for number in range(count)}
    wanted = [build(image, "linux/arm64") for image in known]
    times = durations({(image, "linux/arm64"): seconds for image, seconds in known.items()})
    assigned, _nobody = _farm.assign(wanted, proven, times)
    spans = [[known[one["image"]] for one in builds] for builds in assigned.values()]
    ways = product(range(count), repeat=len(known))
    best = min(max(map(sum, loads(way, list(known.values()), count))) for way in ways)
    # Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17 (1969)
    assert max(map(sum, spans)) <= best * (4 / 3 - 1 / (3 * count)) + 1e-6
    assert all(span == sorted(span, reverse=True) for span in spans)


@given(hosts, timed, st.randoms())
def test_the_order_of_hosts_and_builds_does_not_count(proven: Any, known: Any, random: Any) -> None:
    wanted, shuffled = [build(*name) for name in known], [build(*name) for name in known]
    random.shuffle(shuffled)
    backwards = dict(reversed(list(proven.items())))
    assert _farm.assign(wanted, proven, durations(known)) == _farm.assign(shuffled, backwards, durations(known))


def test_what_is_not_known_takes_as_long_as_the_others() -> None:
    proven = {"a": {"linux/arm64": "native"}, "b": {"linux/arm64": "native"}}
    known = {("x", "linux/arm64"): 10.0, ("y", "linux/arm64"): 12.0, ("z", "linux/arm64"): None}
    assigned, _nobody = _farm.assign([build(*name) for name in known], proven, durations(known))
    assert {host: [one["image"] for one in builds] for host, builds in assigned.items()} == {
        "a": ["y"],
        "b": ["z", "x"],
    }


def test_an_image_is_a_build_for_each_platform_and_has_a_name_of_its_own_on_the_engine() -> None:
    [arm, arm64] = _farm.builds(
        [{"name": "registry.example:5000/app:1", "platforms": ["armhf", "arm64", "linux/arm/v7"]}]
    )
    assert (arm["name"], arm["tag"]) == ("registry.example:5000/app", "1-linux-arm-v7")
    assert arm64["platform"] == "linux/arm64"
    [untagged] = _farm.builds([{"name": "registry.example:5000/app", "platforms": ["amd64"]}])
    assert (untagged["name"], untagged["tag"]) == ("registry.example:5000/app", "latest-linux-amd64")


def test_all_that_is_wrong_is_said_at_once() -> None:
    images = [
        {"name": "registry.example/twice", "platforms": ["arm64"]},
        {"name": "registry.example/twice", "platforms": ["s390x", "arm65"]},
        {"name": "other.example/app", "platforms": []},
        {"name": "registry.example/Wrong", "platforms": ["arm64"]},
    ]
    said = _farm.problems(images, {"b": {"linux/arm64": "native"}, "a": {}}, LEDGER)
    assert said[0] == "registry.example/twice:latest is named 2 times."
    assert said[1] == "registry.example/twice: no host proved that it runs linux/s390x (asked: a, b)."
    assert "twice: Unknown platform 'arm65'" in said[2]
    assert said[3].startswith(
        "other.example/app is to be in the registry other.example, and the ledger is in registry.example."
    )
    assert said[4] == "other.example/app: platforms names none."
    assert "'Wrong' is no repository" in said[5]
    assert len(said) == 6
    tagged = [
        {"name": "registry.example/app:1", "tags": ["new"], "platforms": ["arm64"]},
        {"name": "registry.example/app", "tags": ["new", "1", "2"], "platforms": ["arm64"]},
        {"name": f"registry.example/app@sha256:{64 * '0'}", "platforms": ["arm64"]},
    ]
    assert _farm.problems(tagged, {"b": {"linux/arm64": "native"}}, LEDGER) == [
        "registry.example/app:1 is named 2 times.",
        "registry.example/app:new is named 2 times.",
        f"registry.example/app@sha256:{64 * '0'} has a digest, which cannot be chosen. Name a tag.",
    ]
    assert _farm.problems(images[:1], {"b": {"linux/arm64": "native"}}, LEDGER) == []


PROVEN = {"a": {"linux/arm64": "emulated"}, "b": {"linux/arm64": "emulated"}}


def result(host: str, image: str = "x", **content: Any) -> dict[str, Any]:
    return {"item": {**build(image, "linux/arm64"), "host": host, "status": "emulated"}, **content}


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ({"changed": True, "ledger": {"image": "r@d", "seconds": 3.0, "host": "h"}}, "built"),
        ({"changed": False, "ledger": {"image": "r@d", "seconds": None, "host": "h"}}, "found"),
        ({"changed": True}, "planned"),
        ({"failed": True, "msg": "RUN false"}, "failed"),
        ({"failed": True, "host_fault": True, "msg": "no engine"}, "lost"),
        ({"unreachable": True, "msg": "no way"}, "lost"),
    ],
)
def test_what_came_of_a_build(content: dict[str, Any], state: str) -> None:
    [outcome] = _farm.outcomes([result("a", **content), {"item": {}, "skipped": True}])
    assert (outcome["state"], outcome["reason"]) == (state, content.get("msg", ""))
    assert outcome["digest"] == ("r@d" if "ledger" in content else None)


def test_a_build_that_native_tools_ran_in_was_accelerated() -> None:
    stages = [{"accelerator": None}, {"accelerator": "crossbuild.invalid/accelerator:x"}]
    built = {"changed": True, "ledger": {"image": "r@d"}}
    found = [
        result("a", acceleration=stages, **built),
        result("a", acceleration=stages[:1], **built),
        result("a", **built),
    ]
    assert [one["status"] for one in _farm.outcomes(found)] == ["accelerated", "emulated", "emulated"]


def test_what_was_lost_with_its_host_goes_to_another_one_and_a_failure_does_not() -> None:
    wanted = [build("x", "linux/arm64"), build("y", "linux/arm64"), build("z", "linux/arm64")]
    known = _farm.outcomes(
        [
            result("a", "x", failed=True, host_fault=True, msg="gone"),
            result("b", "y", failed=True, msg="RUN false"),
            result("b", "z", changed=True, ledger={"image": "r@z"}),
        ]
    )
    now = _farm.state(wanted, PROVEN, known)
    assert (names(now["left"]), now["able"], now["lost"]) == ([("x", "linux/arm64")], {"b": PROVEN["b"]}, {"a": "gone"})
    assert names(now["failed"]) == [("y", "linux/arm64")]
    assert now["join"] == [
        {"name": "z", "tags": ["latest"], "images": [{"name": "r@z", "platform": "linux/arm64"}]},
    ]
    assert now["unfinished"] == ["x", "y"]


def test_a_build_takes_no_third_host_down() -> None:
    proven = {**PROVEN, "c": PROVEN["a"]}
    known = _farm.outcomes([result(host, failed=True, host_fault=True, msg=f"{host} gone") for host in ("a", "b")])
    now = _farm.state([build("x", "linux/arm64")], proven, known)
    assert (now["left"], list(now["able"])) == ([], ["c"])
    assert [one["reason"] for one in now["failed"]] == ["b gone"]


def test_what_no_host_is_left_for_is_named() -> None:
    known = _farm.outcomes([result("a", unreachable=True, msg="gone")])
    now = _farm.state([build("x", "linux/arm64"), build("y", "linux/arm64")], {"a": PROVEN["a"]}, known)
    assert (now["left"], names(now["nobody"])) == ([], [("x", "linux/arm64"), ("y", "linux/arm64")])


def test_an_image_is_joined_when_every_platform_is_there() -> None:
    wanted = [build("x", "linux/arm64"), build("x", "linux/amd64")]
    known = _farm.outcomes([result("a", changed=True, ledger={"image": "r@d"})])
    assert _farm.state(wanted, PROVEN, known)["join"] == []


@given(hosts)
def test_as_nodes_each_platform_is_one_hosts_and_natively_where_one_can(proven: Any) -> None:
    given = _farm.by_platform(proven)
    had = Counter(platform for platforms in given.values() for platform in platforms)
    assert had == Counter({platform for platforms in proven.values() for platform in platforms})
    assert all(
        proven[host][platform] == status for host, platforms in given.items() for platform, status in platforms.items()
    )
    natively = {
        platform for platforms in proven.values() for platform, status in platforms.items() if status == "native"
    }
    assert all(status == "native" for own in given.values() for platform, status in own.items() if platform in natively)
    # What buildx does then is what was said.
    assigned, _nobody = _farm.assign([build("x", platform) for platform in had], given)
    assert {one["platform"]: host for host, builds in assigned.items() for one in builds} == {
        platform: host for host, own in given.items() for platform in own
    }


def test_platforms_are_spread_over_nodes() -> None:
    alike = {"linux/amd64": "native", "linux/arm/v7": "emulated"}
    given = _farm.by_platform({"b": alike, "a": alike, "c": alike})
    assert given == {"a": {"linux/amd64": "native"}, "b": {"linux/arm/v7": "emulated"}, "c": {}}


ABOUTS = {
    "10.0.0.1": {"endpoint": "tcp://a:1", "buildx": ""},
    "b": {"endpoint": "tcp://b:1", "buildx": "github.com/docker/buildx v0.13.1+ds1 788433953af1\n"},
    "c": {"endpoint": "", "buildx": "github.com/docker/buildx v0.9.1 ed00243\n"},
}


def test_nodes_that_run_something_natively_come_first() -> None:
    given = {
        "10.0.0.1": {"linux/arm/v7": "emulated"},
        "b": {"linux/arm64": "emulated", "linux/s390x": "native"},
        "c": {},
    }
    assert _farm.nodes(given, ABOUTS, {"image": "i"}) == [
        {
            "name": "b",
            "endpoint": "tcp://b:1",
            "platforms": ["linux/s390x", "linux/arm64"],
            "driver_options": {"image": "i"},
        },
        {
            "name": "node-10.0.0.1",
            "endpoint": "tcp://a:1",
            "platforms": ["linux/arm/v7"],
            "driver_options": {"image": "i"},
        },
    ]


def test_who_can_be_a_head_and_what_keeps_hosts_from_being_nodes() -> None:
    assert _farm.heads(ABOUTS) == ["b"]
    proven = {"10.0.0.1": PROVEN["a"], "b": PROVEN["a"], "c": PROVEN["a"]}
    [problem] = _farm.buildx_problems(proven, ABOUTS)
    assert problem.startswith("image_farm_node is not set for c: ")
    assert _farm.buildx_problems({**proven, "c": {}}, ABOUTS) == []
    [problem] = _farm.buildx_problems({"10.0.0.1": PROVEN["a"]}, {"10.0.0.1": ABOUTS["10.0.0.1"]})
    assert problem.startswith("None of the hosts (10.0.0.1) has buildx 0.12 or newer")


@pytest.mark.parametrize(
    ("content", "host"),
    [
        ({"failed": True, "host_fault": True, "node_fault": True, "msg": "gone"}, "a"),
        ({"failed": True, "host_fault": True, "msg": "gone"}, "b"),
        ({"unreachable": True, "msg": "gone"}, "b"),
        ({"failed": True, "msg": "RUN false"}, "a"),
        ({"changed": True, "ledger": {"image": "r@d"}}, "a"),
    ],
)
def test_the_head_is_lost_by_what_is_not_the_nodes_fault(content: dict[str, Any], host: str) -> None:
    [outcome] = _farm.outcomes([result("a", **content)], "b")
    assert outcome["host"] == host


def test_a_head_that_is_lost_is_followed_by_another_one_and_the_last_one_by_none() -> None:
    wanted = [build("x", "linux/arm64")]
    known = _farm.head_lost("a", {"msg": "no way"})
    now = _farm.state(wanted, PROVEN, known, ["a", "b"])
    assert (names(now["left"]), list(now["able"]), now["ended"]) == ([("x", "linux/arm64")], ["b"], [])
    assert now["lost"] == {"a": "The builder could not be made there: no way"}
    now = _farm.state(wanted, PROVEN, [*known, *known], ["a"])
    assert (now["left"], names(now["nobody"]), now["driven"]) == ([], [("x", "linux/arm64")], False)
    assert (list(now["able"]), now["ended"]) == (["b"], [])


def with_options(image: str, **options: Any) -> dict[str, Any]:
    return {**build(image, "linux/arm64"), "name": image, "tag": "1-linux-arm64", "options": options}


def test_what_the_ledger_is_asked_for() -> None:
    mine = [with_options("a", path="/srv", tags=["latest"], pull=None), with_options("b", secrets=[{"id": "key"}])]
    assert _farm.asked(mine) == [{"path": "/srv", "name": "a", "tag": "1-linux-arm64", "platforms": ["linux/arm64"]}]


def test_what_the_ledger_has_is_found() -> None:
    mine = [with_options("b", secrets=[{"id": "key"}]), with_options("a"), with_options("c"), with_options("d")]
    entry = {"image": "r@d", "seconds": 2.5, "host": "h", "emulator": "7.2"}
    answers = [{"ledger": entry}, {"ledger": None}, {"ledger": {**entry, "emulator": None}}]
    known = _farm.found(mine, answers)
    assert [(one["image"], one["host"], one["status"]) for one in known] == [("a", "h", "emulated"), ("d", "h", "")]
    assert [
        {**one, "status": ""}
        for one in _farm.outcomes([{"item": {**mine[1], "host": "h", "status": ""}, "ledger": entry}])
    ] == [{**known[0], "status": ""}]
    now = _farm.state(mine, {}, known)
    assert (now["unfinished"], [one["name"] for one in now["join"]]) == (["b", "c"], ["a", "d"])


def test_where_nothing_is_known_all_is_left() -> None:
    mine = [with_options("a"), with_options("c")]
    assert _farm.found(mine, []) == []


def test_before_a_host_is_asked_none_has_to_run_it() -> None:
    image = {"name": "r.example/a", "platforms": ["armhf"]}
    assert _farm.problems([image], None, "r.example/l") == []
    assert _farm.problems([image, image], None, "r.example/l") == ["r.example/a:latest is named 2 times."]
    assert "no host proved" in _farm.problems([image], {}, "r.example/l")[0]
