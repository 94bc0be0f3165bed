# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry's token server: a user with a password, or with an identity token, gets a token for all but ``closed``.

Usage: token_server.py PORT KEY CERTIFICATE PASSWORD IDENTITY_TOKEN
Prints for every request how the client said who it is, and the scopes it asked for.
"""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

PORT, KEY, CERTIFICATE = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
BASIC = "Basic " + base64.b64encode(f"builder:{sys.argv[4]}".encode()).decode()


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def access(scopes: list[str]) -> list[dict[str, object]]:
    parts = [scope.split(":") for scope in scopes]
    return [
        {"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in parts if name != "closed"
    ]


def token(service: str, scopes: list[str]) -> str:
    """https://distribution.github.io/distribution/spec/auth/jwt/"""
    chain = [base64.b64encode(ssl.PEM_cert_to_DER_cert(CERTIFICATE.read_text())).decode()]
    now = int(time.time())
    times = {"exp": now + 300, "nbf": now - 10, "iat": now}
    claims = {"iss": "tests", "sub": "builder", "aud": service, "jti": "1", "access": access(scopes), **times}
    parts = [{"typ": "JWT", "alg": "RS256", "x5c": chain}, claims]
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    command = ["openssl", "dgst", "-sha256", "-sign", KEY]
    return f"{signed}.{encoded(subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout)}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        self.answer(
            "anonymous" if given is None else "password" if given == BASIC else "wrong", self.path.partition("?")[2]
        )

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        good = urllib.parse.parse_qs(text)["refresh_token"] == [sys.argv[5]]
        self.answer("identity token" if good else "wrong", text)

    def answer(self, who: str, query: str) -> None:
        fields = urllib.parse.parse_qs(query)
        scopes = [one for scope in fields.get("scope", []) for one in scope.split()]
        print(who, *scopes, flush=True)
        content = json.dumps({"token": token(fields["service"][0], [] if who == "anonymous" else scopes)}).encode()
        self.send_response(401 if who == "wrong" else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
