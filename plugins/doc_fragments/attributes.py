# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What each module can do, said the same way everywhere."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say what it would do without changing anything.
    support: full
  diff_mode:
    description: Shows the state before and after in diff mode.
    support: full
  idempotent:
    description: A second run with the same inputs changes nothing and says so.
    support: full
  platform:
    description: Operating systems it works on.
    support: full
    platforms: linux
  action_group:
    description: Use C(module_defaults) with C(group/trusted.crossbuild.crossbuild) to set defaults for all modules.
    support: full
    membership:
      - trusted.crossbuild.crossbuild
"""

    # For modules with the options of the fragment docker. It goes before the others: of two fragments the first one counts.
    ACTIONGROUP_DOCKER = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(module_defaults) with C(group/trusted.crossbuild.crossbuild) to set defaults for all modules, and with
        C(group/trusted.crossbuild.docker) for those that talk to a Docker Engine.
    support: full
    membership:
      - trusted.crossbuild.crossbuild
      - trusted.crossbuild.docker
"""

    # For modules that only look.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Changes nothing, so check mode makes no difference.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  idempotent:
    description: A second run changes nothing.
    support: full
  platform:
    description: Operating systems it works on.
    support: full
    platforms: linux
  action_group:
    description: Use C(module_defaults) with C(group/trusted.crossbuild.crossbuild) to set defaults for all modules.
    support: full
    membership:
      - trusted.crossbuild.crossbuild
"""
