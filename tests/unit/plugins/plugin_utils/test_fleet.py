# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a fleet, by what the tasks left of each host."""

from __future__ import annotations

from typing import Any

from ansible_collections.trusted.crossbuild.plugins.plugin_utils._fleet import failures, fleet, lines

V7, ARM64, AMD64 = "linux/arm/v7", "linux/arm64", "linux/amd64"
ENGINE = {"version": "20.10.24", "actions": []}


def detail(
    status: str = "emulated", version: str | None = "7.2.19", reason: str | None = None, **more: Any
) -> dict[str, Any]:
    words = f"{reason}, so see to it." if reason else None
    return {
        "status": status,
        "in_containers": not reason,
        "emulator_version": version,
        "dispatcher": False,
        "reason": reason,
        "explanation": words,
        **more,
    }


def builder(**platforms: dict[str, Any]) -> dict[str, Any]:
    details = {{"v7": V7, "arm64": ARM64, "amd64": AMD64}[name]: found for name, found in platforms.items()}
    return {"docker_engine_result": ENGINE, "crossbuild_platforms": {"details": details}}


def report(facts: dict[str, dict[str, Any]], canaries: int = 0, check: bool = False) -> dict[str, Any]:
    return fleet(facts, list(facts), canaries, check, [])


def states(found: dict[str, Any]) -> dict[str, str]:
    return {host["name"]: host["state"] for host in found["hosts"]}


def converged(actions: list[str], *ran: str, dispatcher: bool = False) -> dict[str, Any]:
    one = {"runs": True, "in_containers": True, "argv0": True, "emulator_version": "7.2.19", "dispatcher": dispatcher}
    proven = {V7: one, AMD64: {**one, "emulator_version": None, "dispatcher": False}}
    entries = {"actions": actions, "platforms": ran, "native": [AMD64], "proven": proven}
    return {"docker_engine_result": ENGINE, "emulation_entries": entries}


def test_where_nothing_was_to_do_the_proof_is_that_of_binfmt() -> None:
    host = report({"one": converged([], V7, AMD64)})["hosts"][0]
    assert (host["state"], host["qemu"]) == ("ready", "7.2.19")
    assert {platform: cell["status"] for platform, cell in host["cells"].items()} == {V7: "emulated", AMD64: "native"}


def test_a_platform_that_runs_by_a_copy_with_the_dispatcher_is_accelerated() -> None:
    found = report(
        {
            "seen": builder(v7=detail(dispatcher=True), amd64=detail("native", None)),
            "converged": converged([], V7, AMD64, dispatcher=True),
            "plain": converged([], V7, AMD64),
            "broken": builder(v7=detail(reason="crashed", dispatcher=True)),
        }
    )
    assert [host["cells"][V7]["status"] for host in found["hosts"]] == [
        "accelerated",
        "accelerated",
        "emulated",
        "broken",
    ]
    assert [host["cells"][AMD64]["status"] for host in found["hosts"]] == ["native"] * 3 + ["not asked for"]
    assert lines(found)[1] == "seen       ready   20.10.24  accelerated 7.2.19  native"


def test_what_the_role_accelerator_registered_is_later_than_what_others_saw() -> None:
    made = {"actions": ["make a copy"]}
    entries = {
        "actions": ["register qemu-arm"],
        "proven": converged([], dispatcher=True)["emulation_entries"]["proven"],
    }
    facts = {"accelerator_made": made, "accelerator_entries": entries}
    found = report(
        {"one": {**converged([], V7, AMD64), **facts}, "two": {**builder(v7=detail(), arm64=detail()), **facts}}
    )
    assert [host["cells"][V7]["status"] for host in found["hosts"]] == ["accelerated", "accelerated"]
    assert found["hosts"][1]["cells"][ARM64]["status"] == "emulated"
    assert found["hosts"][0]["actions"] == ["make a copy", "register qemu-arm"]
    # On a host that has been like that before it registers nothing.
    again = {"accelerator_made": {"actions": []}, "accelerator_entries": {"skipped": True}}
    found = report({"one": {**converged([], V7, AMD64, dispatcher=True), **again}})
    assert found["hosts"][0]["cells"][V7]["status"] == "accelerated"


def test_binfmt_proves_nothing_where_something_did_not_run_or_is_to_be_done() -> None:
    found = report({"one": converged([], AMD64), "two": converged(["register qemu-arm"], V7, AMD64)})
    assert states(found) == {"one": "unknown", "two": "unknown"}


def test_a_mixed_fleet() -> None:
    found = report(
        {
            "x86": builder(v7=detail(), arm64=detail(version="10.0.2"), amd64=detail("native", None)),
            "arm": builder(v7=detail("native", None), arm64=detail("native", None)),
        }
    )
    assert found["platforms"] == [V7, ARM64, AMD64]
    assert found["hosts"][0]["qemu"] == "7.2.19, 10.0.2"
    assert found["hosts"][1]["qemu"] is None
    assert {platform: cell["status"] for platform, cell in found["hosts"][1]["cells"].items()} == {
        V7: "native",
        ARM64: "native",
        AMD64: "not asked for",
    }
    assert found["counts"] == {"ready": 2, "drift": 0, "unknown": 0, "failed": 0, "not begun": 0}
    assert lines(found) == [
        "host  state  engine    linux/arm/v7     linux/arm64      linux/amd64",
        "x86   ready  20.10.24  emulated 7.2.19  emulated 10.0.2  native",
        "arm   ready  20.10.24  native           native           -",
        "2 hosts: 2 ready.",
    ]


def test_a_failed_host_is_named_with_reason_and_remedy() -> None:
    facts = {"good": builder(v7=detail()), "bad": {"crossbuild_failure": {"msg": "No route", "unreachable": True}}}
    found = report(facts)
    assert states(found) == {"good": "ready", "bad": "failed"}
    assert found["hosts"][1]["cells"][V7]["status"] == "unknown"
    assert set(failures(found)) == {"bad"}
    assert failures(found)["bad"].startswith("It cannot be reached: No route. See that it is up")
    assert f"bad: {failures(found)['bad']}" in lines(found)


def test_what_a_failure_shows_of_the_platforms_is_in_the_report() -> None:
    failure = {
        "msg": "This host does not run linux/arm/v7.",
        "details": {V7: detail(reason="crashed"), ARM64: detail()},
    }
    found = report({"bad": {"docker_engine_result": ENGINE, "crossbuild_failure": failure}})
    assert found["hosts"][0]["cells"][V7]["status"] == "broken"
    assert found["hosts"][0]["cells"][ARM64]["status"] == "emulated"
    assert "bad: linux/arm/v7: crashed, so see to it." in lines(found)


def test_a_failed_canary_keeps_the_rest_from_being_begun() -> None:
    facts = {"one": builder(v7=detail()), "two": {"crossbuild_failure": {"msg": "Full."}}, "three": {}, "four": {}}
    found = report(facts, canaries=2)
    assert states(found) == {"one": "ready", "two": "failed", "three": "not begun", "four": "not begun"}
    assert failures(found)["four"].startswith("It was not begun, as the canary two failed. ")
    assert states(report(facts, canaries=1)) == {"one": "ready", "two": "failed", "three": "unknown", "four": "unknown"}


def test_drift_is_what_would_be_changed() -> None:
    drifted = {**builder(v7=detail(reason="not_registered")), "emulation_entries": {"actions": ["register qemu-arm"]}}
    found = report({"one": drifted, "two": builder(v7=detail())}, check=True)
    assert states(found) == {"one": "drift", "two": "ready"}
    assert failures(found) == {}
    assert "one would change: register qemu-arm." in lines(found)
    assert "Nothing: two is as it should be." in lines(found)
    # The same, done: no drift any more.
    done = report({"one": {**builder(v7=detail()), "emulation_entries": {"actions": ["register qemu-arm"]}}})
    assert states(done) == {"one": "ready"}
    assert done["hosts"][0]["actions"] == ["register qemu-arm"]


def test_a_platform_that_does_not_run_and_that_no_run_would_repair_is_a_failure() -> None:
    found = report({"one": builder(v7=detail(reason="shadowed"), arm64=detail())}, check=True)
    assert states(found) == {"one": "failed"}
    assert failures(found)["one"].startswith("linux/arm/v7 does not run as it should.")


def test_a_host_of_which_nothing_was_seen_does_not_count_as_ready() -> None:
    assert states(report({"one": {"docker_engine_result": ENGINE}})) == {"one": "unknown"}
