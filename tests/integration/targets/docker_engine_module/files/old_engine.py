# A fake: says what Docker Engine 19.03 says to GET /version, because no such engine can be installed any more.
# old_engine.py SOCKET

import http.server
import json
import socketserver
import sys


class Version(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"Version": "19.03.15", "ApiVersion": "1.40"}).encode())

    def address_string(self):
        return "client"  # one on a local socket has no address


with socketserver.UnixStreamServer(sys.argv[1], Version) as server:
    server.handle_request()
