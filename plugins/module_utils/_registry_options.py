# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say how to reach a registry; documented in ``doc_fragments/registry.py``."""

from __future__ import annotations

from typing import Any

REGISTRY_SPEC: dict[str, Any] = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "config_path": {"type": "path", "default": "~/.docker/config.json"},
    "insecure": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
}
REGISTRY_REQUIRED_TOGETHER = [("username", "password"), ("client_cert", "client_key")]
# All of them in one option, where others of the module have their names.
REGISTRY_OPTION: dict[str, Any] = {
    "type": "dict",
    "options": REGISTRY_SPEC,
    "apply_defaults": True,
    "required_together": REGISTRY_REQUIRED_TOGETHER,
}
