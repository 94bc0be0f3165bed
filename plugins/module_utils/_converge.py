# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of every module that changes something: read and compare, write, read again.

Check mode, diff mode and ``changed`` follow from it, the same way everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ContextManager

from ._errors import CrossbuildError


@dataclass(frozen=True)
class Step:
    """One thing to do: in words, for the person, and as a call."""

    words: str
    run: Callable[[], None]


@dataclass
class Plan:
    """What differs from what was asked for. No steps: nothing does.

    ``before`` and ``after`` are the two sides of the diff, a line a fact. Both ``found`` and ``result`` are returned with
    the task: ``found`` as it was before anything was written, ``result`` as it is afterwards. ``warnings`` are about what
    was found: of a thing that is removed nothing could be said afterwards.

    ``proofs`` change nothing, and so do not count as a change; they come after the steps, or fail.
    """

    steps: list[Step] = field(default_factory=list)
    proofs: list[Step] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def converge(
    make_plan: Callable[[], Plan], check_mode: bool, lock: Callable[[], ContextManager[None]] | None = None
) -> dict[str, Any]:
    """Carries out the plan unless in check mode, and makes sure that afterwards there is nothing left to do.

    ``make_plan`` reads the host and changes nothing; it is called again after writing. Raises CrossbuildError where
    what was written reads back as something else. ``lock`` is taken only where there is something to do, and the plan then made
    anew: another run, that was waited for, may have done it.
    """
    plan = first = make_plan()
    if lock and first.steps and not check_mode:
        with lock():
            return converge(make_plan, check_mode)
    if first.steps and not check_mode:
        for step in first.steps:
            step.run()
        plan = make_plan()
        if plan.steps:
            left = "; ".join(step.words for step in plan.steps)
            raise CrossbuildError(f"Done, but reading the host again shows that this is still to do: {left}.")
    proofs = plan.proofs
    if proofs and not check_mode:
        for proof in proofs:
            proof.run()
        plan = make_plan()
    return {
        "changed": bool(first.steps),
        "actions": [step.words for step in (*first.steps, *proofs)],
        "diff": {"before": _lines(first.before), "after": _lines(first.after)},
        "warnings": first.warnings,
        **first.found,
        **plan.result,
    }


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)
