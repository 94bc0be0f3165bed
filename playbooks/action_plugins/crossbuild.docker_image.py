# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two-part name ``crossbuild.docker_image``, for playbooks that have this directory among their action plugins."""

from __future__ import annotations

from ansible_collections.trusted.crossbuild.plugins.action import docker_image


# A class of its own: Ansible writes the name by which it was found into the class.
class ActionModule(docker_image.ActionModule):
    """What trusted.crossbuild.docker_image does."""
