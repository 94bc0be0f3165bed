# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How to reach a registry. The argument spec beside it is ``module_utils/_registry_options.py``."""

    DOCUMENTATION = r"""
options:
  username:
    description: The user at the registry. Without it, the credentials are those of O(config_path), if it has any.
    type: str
  password:
    description: The user's password.
    type: str
  config_path:
    description:
      - Docker's configuration file on the host, where C(docker login) keeps credentials. Credential helpers that it
        names are asked.
    type: path
    default: ~/.docker/config.json
  insecure:
    description:
      - Speak plain HTTP to a registry that speaks no TLS. For a registry on the host itself (V(localhost), V(127.0.0.1))
        that is so without this option, as it is for Docker.
    type: bool
    default: false
  validate_certs:
    description: Check the registry's certificate.
    type: bool
    default: true
  ca_path:
    description: A file of CA certificates to check the registry's certificate with, instead of the system's.
    type: path
  client_cert:
    description: The client's certificate file.
    type: path
  client_key:
    description: The client's key file.
    type: path
  timeout:
    description: Seconds without an answer after which a request has failed.
    type: int
    default: 60
"""

    OPTION = r"""
options:
  registry:
    description:
      - How to reach the registry. This module reads there what it has, with all of these options; the engine pushes with the
        credentials, and with TLS options of its own (C(/etc/docker/certs.d) and C(insecure-registries) on its host).
    type: dict
    suboptions:
      username:
        description: The user. Without it, the credentials are those of O(registry.config_path), if it has any.
        type: str
      password:
        description: The user's password.
        type: str
      config_path:
        description:
          - Docker's configuration file on the build host, where C(docker login) keeps credentials. Credential helpers that
            it names are asked.
        type: path
        default: ~/.docker/config.json
      insecure:
        description: Speak plain HTTP to a registry that speaks no TLS. One on the host itself needs no such word.
        type: bool
        default: false
      validate_certs:
        description: Check the registry's certificate.
        type: bool
        default: true
      ca_path:
        description: A file of CA certificates to check the registry's certificate with, instead of the system's.
        type: path
      client_cert:
        description: The client's certificate file.
        type: path
      client_key:
        description: The client's key file.
        type: path
      timeout:
        description: Seconds without an answer after which a request of this module has failed.
        type: int
        default: 60
"""
