# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that knows Ansible: parameters in, result or failure out."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from . import _background
from ._errors import CrossbuildError

# The annotation is evaluated: Python 3.8 subscripts no built-in type.
UseCase = Callable[[Dict[str, Any], bool], Dict[str, Any]]


def run(argument_spec: dict[str, Any], use_case: UseCase, **options: Any) -> None:
    """Runs a module: ``use_case(params, check_mode)`` returns the result, or raises CrossbuildError."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    _answer(module, lambda: use_case(module.params, module.check_mode))


def run_followed(argument_spec: dict[str, Any], use_case: UseCase, **options: Any) -> None:
    """Like ``run``, and where an action plugin follows it, with the option ``_progress``, in a process of its own.

    The plugin gives in ``_progress`` either ``jobs``, the directory for a new job, or ``job``, one to wait for. The use
    case finds there ``file``, where to tell what it does.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    _answer(module, lambda: _followed(module, use_case))


def _followed(module: AnsibleModule, use_case: UseCase) -> dict[str, Any]:
    wanted = module.params["_progress"] or {}
    if "job" in wanted:
        _background.wait(wanted["job"])
    job = _background.start(wanted["jobs"]) if "jobs" in wanted else None
    file = _background.progress(job) if job else None
    return use_case({**module.params, "_progress": {**wanted, "file": file}}, module.check_mode)


def _answer(module: AnsibleModule, use_case: Callable[[], dict[str, Any]]) -> None:
    try:
        result = use_case()
    except CrossbuildError as exc:
        module.fail_json(msg=str(exc), **exc.result)
    except PermissionError as exc:
        module.fail_json(msg=f"{exc.filename}: {exc.strerror}. This needs root (become: true).")
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)
