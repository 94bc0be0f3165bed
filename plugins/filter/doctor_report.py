# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter of the playbook doctor; documented beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.trusted.crossbuild.plugins.plugin_utils import _doctor_lines


def doctor_report(facts: Mapping[str, Mapping[str, Any]], names: Sequence[str], variable: str) -> Any:
    # What hosts say is never a template, not even where it looks like one.
    return wrap_var(_doctor_lines.report(facts, names, variable))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"doctor_report": doctor_report}
