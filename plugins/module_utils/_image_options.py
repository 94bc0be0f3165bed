# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say what image is to be built; documented in the module docker_image."""

from __future__ import annotations

from typing import Any

from . import _connection, _registry_options
from ._errors import CrossbuildError

IMAGE_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "platforms": {"type": "list", "elements": "str", "aliases": ["platform"], "default": ["linux/arm/v7"]},
    "path": {"type": "path"},
    "dockerfile": {"type": "str", "default": "Dockerfile"},
    "dockerfile_inline": {"type": "str"},
    "args": {"type": "dict"},
    "target": {"type": "str"},
    "labels": {"type": "dict"},
    "network": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "rebuild": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "verify": {"type": "str", "choices": ["none", "metadata", "programs", "all"], "default": "programs"},
    "smoke_test": {
        "type": "dict",
        "options": {
            "command": {"type": "list", "elements": "str", "required": True},
            "stdout": {"type": "str"},
            "timeout": {"type": "int", "default": 60},
        },
    },
    "builder": {"type": "str", "choices": ["auto", "buildx", "classic"], "default": "auto"},
    "builder_name": {"type": "str"},
    "accelerate": {"type": "str", "choices": ["auto", "true", "false"], "default": "auto"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "options": {
            "id": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["file", "env", "value"], "required": True},
            "src": {"type": "path"},
            "env": {"type": "str"},
            "value": {"type": "str", "no_log": True},
        },
        "no_log": False,
    },
    "push": {"type": "bool", "default": False},
    "registry": _registry_options.REGISTRY_OPTION,
    "ledger": {"type": "str"},
    "oci_archive": {"type": "path"},
    "oci_directory": {"type": "path"},
    "timeout": {"type": "int"},
    "reconnect_timeout": {"type": "int", "default": 300},
    "_progress": {"type": "dict"},
    **_connection.CONNECTION_SPEC,
}
IMAGE_REQUIRED_IF = [("state", "present", ("path", "dockerfile_inline"), True)]
IMAGE_MUTUALLY_EXCLUSIVE = [("oci_archive", "oci_directory")]


def validated(given: dict[str, Any]) -> dict[str, Any]:
    """The options of one image, as the module docker_image would get them. Raises CrossbuildError."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    validator = ArgumentSpecValidator(
        IMAGE_SPEC, required_if=IMAGE_REQUIRED_IF, mutually_exclusive=IMAGE_MUTUALLY_EXCLUSIVE
    )
    result = validator.validate(given)
    if result.error_messages:
        raise CrossbuildError(" ".join(result.error_messages))
    return dict(result.validated_parameters)
