# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the fleet's report; documented beside, in files of their names."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.trusted.crossbuild.plugins.plugin_utils import _build_plot, _fleet


def fleet_report(
    facts: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    canaries: int = 0,
    check: bool = False,
    builds: Iterable[Mapping[str, Any]] = (),
) -> Any:
    found = _fleet.fleet(facts, names, canaries, check, builds)
    # What hosts say is never a template, not even where it looks like one.
    return wrap_var({"fleet": found, "lines": _fleet.lines(found), "failures": _fleet.failures(found)})


def fleet_page(fleet: Mapping[str, Any]) -> Any:
    return wrap_var(_escaped({**fleet, "plot": _build_plot.plot(fleet["builds"])}))


def _escaped(value: Any) -> Any:
    """The same with every text in it, keys too, as HTML writes it: the page's template need not think of any."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_escaped(one) for one in value]
    return value


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fleet_report": fleet_report, "fleet_page": fleet_page}
