# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts say is neither HTML nor a template."""

from __future__ import annotations

from ansible_collections.trusted.crossbuild.plugins.filter.fleet_report import fleet_page, fleet_report

HOSTILE = "<script>alert('&')</script>\"{{ 7 * 7 }}"
FACTS = {
    HOSTILE: {
        "docker_engine_result": {"version": HOSTILE, "actions": [HOSTILE]},
        "crossbuild_failure": {
            "msg": HOSTILE,
            "details": {
                HOSTILE: {
                    "reason": HOSTILE,
                    "explanation": HOSTILE,
                    "emulator_version": HOSTILE,
                    "dispatcher": False,
                    "in_containers": False,
                }
            },
        },
    }
}
BUILDS = [{"image": HOSTILE, "platform": HOSTILE, "host": HOSTILE, "status": HOSTILE, "seconds": 1.5}]


def test_every_text_is_escaped() -> None:
    found = fleet_report(FACTS, [HOSTILE], builds=BUILDS)
    assert str(found["fleet"]).count("<script>") >= 10
    page = fleet_page(found["fleet"])
    assert not set('<>"') & set("".join(texts(page)))
    assert page["hosts"][0]["name"] == "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;&quot;{{ 7 * 7 }}"
    assert page["plot"]["bars"][0]["percent"] == 100


def test_the_failures_are_by_the_names_of_hosts() -> None:
    assert set(fleet_report(FACTS, [HOSTILE])["failures"]) == {HOSTILE}


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts(one)]
    return [text for one in value for text in texts(one)] if isinstance(value, list) else []
