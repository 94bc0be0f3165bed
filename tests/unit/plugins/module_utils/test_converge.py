# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import Plan, Step, converge
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


class Lamp:
    """A host with one thing to change."""

    def __init__(self, lit=False, works=True):
        self.lit = lit
        self.works = works
        self.looks = 0

    def plan(self):
        self.looks += 1
        plan = Plan(found={"was": self.lit}, result={"lit": self.lit}, warnings=["dark"] if not self.lit else [])
        plan.before = [f"lit: {self.lit}"]
        plan.after = ["lit: True"]
        if not self.lit:
            plan.steps.append(Step("light it", self.light))
        return plan

    def light(self):
        self.lit = self.works


def test_what_differs_is_changed_and_read_again():
    lamp = Lamp()
    result = converge(lamp.plan, check_mode=False)
    assert lamp.lit
    assert result == {
        "changed": True,
        "actions": ["light it"],
        "diff": {"before": "lit: False\n", "after": "lit: True\n"},
        "warnings": ["dark"],
        "was": False,
        "lit": True,
    }


def test_check_mode_says_the_same_and_changes_nothing():
    lamp = Lamp()
    checked = converge(lamp.plan, check_mode=True)
    assert not lamp.lit
    done = converge(lamp.plan, check_mode=False)
    assert {key: checked[key] for key in ("changed", "actions", "diff", "was")} == {
        key: done[key] for key in ("changed", "actions", "diff", "was")
    }
    assert checked["lit"] is False


def test_nothing_to_do_is_no_change_and_one_look():
    lamp = Lamp(lit=True)
    result = converge(lamp.plan, check_mode=False)
    assert result["changed"] is False
    assert result["actions"] == []
    assert lamp.looks == 1


def test_what_did_not_take_effect_is_an_error():
    with pytest.raises(CrossbuildError, match="still to do: light it"):
        converge(Lamp(works=False).plan, check_mode=False)


def test_steps_run_in_order_up_to_the_first_that_fails():
    ran = []

    def fail():
        raise CrossbuildError("no")

    steps = [Step("one", lambda: ran.append(1)), Step("two", fail), Step("three", lambda: ran.append(3))]
    with pytest.raises(CrossbuildError, match=r"^no$"):
        converge(lambda: Plan(steps=steps), check_mode=False)
    assert ran == [1]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_proof_is_carried_out_and_is_no_change(check_mode):
    proven = []

    def plan():
        return Plan(
            proofs=[] if proven else [Step("prove it", lambda: proven.append("it"))], result={"proven": bool(proven)}
        )

    result = converge(plan, check_mode)
    assert (result["changed"], result["actions"], result["proven"]) == (False, ["prove it"], not check_mode)


def test_a_proof_comes_after_the_steps():
    lamp = Lamp()
    order = []

    def plan():
        plan = lamp.plan()
        if lamp.lit and not order:
            plan.proofs.append(Step("look at it", lambda: order.append(lamp.lit)))
        return plan

    result = converge(plan, check_mode=False)
    assert result["actions"] == ["light it", "look at it"]
    assert order == [True]


class Lock:
    """Somebody who has just lit the lamp, and whoever waits for them."""

    def __init__(self, lamp):
        self.lamp = lamp
        self.taken = 0

    def __call__(self):
        return self

    def __enter__(self):
        self.taken += 1
        self.lamp.lit = True

    def __exit__(self, *_exception):
        pass


def test_what_another_run_did_meanwhile_is_no_change():
    lamp = Lamp()
    lock = Lock(lamp)
    result = converge(lamp.plan, check_mode=False, lock=lock)
    assert (result["changed"], result["lit"], lock.taken) == (False, True, 1)


@pytest.mark.parametrize(("lit", "check_mode"), [(True, False), (False, True)])
def test_nobody_is_waited_for_where_nothing_is_written(lit, check_mode):
    lamp = Lamp(lit)
    lock = Lock(lamp)
    converge(lamp.plan, check_mode, lock)
    assert lock.taken == 0
