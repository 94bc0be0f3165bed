# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake: answers two questions as Docker Engine 19.03 did, and ends."""

from __future__ import annotations

import json
import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = json.dumps({"Version": "19.03.15", "ApiVersion": "1.40"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "socket"


with socketserver.UnixStreamServer(sys.argv[1], Answer) as server:
    for _request in range(2):
        server.handle_request()
os.unlink(sys.argv[1])
