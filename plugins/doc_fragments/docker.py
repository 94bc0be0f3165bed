# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How to reach the Docker Engine. The argument spec beside it is ``module_utils/_connection.py``."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - The engine's address, as C(unix:///path), C(tcp://host:port) or C(ssh://host). The last needs the Python package
        C(paramiko) beside the SDK.
      - The environment variable E(DOCKER_HOST) is used where the option is not set.
    type: str
    default: unix:///var/run/docker.sock
  tls:
    description: Speak TLS to the engine.
    type: bool
    default: false
  validate_certs:
    description: Check the engine's certificate.
    type: bool
    default: true
  ca_path:
    description: A file of CA certificates to check the engine's certificate with.
    type: path
  client_cert:
    description: The client's certificate file.
    type: path
  client_key:
    description: The client's key file.
    type: path
requirements:
  - "Docker SDK for Python (the package C(docker)), 5.0 or newer"
  - "Docker Engine 20.10 or newer"
"""
