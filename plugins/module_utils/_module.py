# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that knows Ansible: parameters in, result or failure out."""

from __future__ import annotations

from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ._errors import CrossbuildError


def run(
    argument_spec: dict[str, Any],
    use_case: Callable[[dict[str, Any], bool], dict[str, Any]],
    **options: Any,
) -> None:
    """Runs a module: ``use_case(params, check_mode)`` returns the result, or raises CrossbuildError."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    try:
        result = use_case(module.params, module.check_mode)
    except CrossbuildError as exc:
        module.fail_json(msg=str(exc), **exc.result)
    except PermissionError as exc:
        module.fail_json(msg=f"{exc.filename}: {exc.strerror}. This needs root (become: true).")
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)
