# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the copy of an emulator with the dispatcher: make_copy.py EMULATOR"""

from __future__ import annotations

import pathlib
import sys

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher

SOURCE = pathlib.Path(_dispatcher.__file__).parents[2] / "roles/accelerator/files/dispatcher.c"

_dispatcher.make(_dispatcher.path(sys.argv[1]), sys.argv[1], SOURCE.read_text(encoding="utf-8"))
