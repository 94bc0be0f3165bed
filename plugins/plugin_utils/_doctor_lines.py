# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What doctor_info found on some hosts, for the terminal; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._failure import explain, one_line

_WORDS = {True: "holds", False: "FAILS", None: "-"}


def lines(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Of each host a line for each layer, and what to do first; at the end how many hosts are well.

    ``results`` is what the module returned, by the hosts' names; or how it failed, or that the host was not reached.
    """
    shown = [line for name, result in results.items() for line in [*_layers(name, result), ""]]
    number, ill = len(results), len(problems(results))
    words = "host" if number == 1 else "hosts"
    return [*shown, f"{number} {words}: {number - ill} well, {ill} not."]


def problems(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """By the name of each host of which not everything holds: where to begin, as a sentence, and what to do."""
    found = {name: _problem(result) for name, result in results.items()}
    return {name: problem for name, problem in found.items() if problem}


def _layers(name: str, result: Mapping[str, Any]) -> list[str]:
    rows = [
        [_WORDS[layer["holds"]], " ".join([layer["layer"], layer["platform"] or ""]).strip(), _said(layer)]
        for layer in result.get("layers", [])
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    problem = _problem(result)
    return [
        f"{name}:",
        *(f"  {row[0].ljust(widths[0])}  {row[1].ljust(widths[1])}  {row[2]}" for row in rows),
        f"  Begin here: {problem}" if problem else "  Everything that was looked at holds.",
    ]


def _said(layer: Mapping[str, Any]) -> str:
    words = one_line(layer["found"])
    return f"not looked at: {words}" if layer["holds"] is None else words


def _problem(result: Mapping[str, Any]) -> str | None:
    if "layers" not in result:
        return " ".join(explain(result))
    first: Mapping[str, Any] | None = result["first"]
    if first is None:
        return None
    place = " ".join([first["layer"], *([f"of {first['platform']}"] if first["platform"] else [])])
    return one_line(f"{place}: {first['found']} {first['remedy']}")


def report(facts: Mapping[str, Mapping[str, Any]], names: Sequence[str], variable: str) -> dict[str, Any]:
    """Both, of what the hosts ``names`` have registered as ``variable``. ``facts`` has the variables of each host."""
    results: dict[str, Mapping[str, Any]] = {name: facts[name].get(variable) or {} for name in names}
    return {"lines": lines(results), "problems": problems(results)}
