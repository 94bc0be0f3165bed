# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("no deadline", deadline=None, max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")))
settings.load_profile("no deadline")
