#!/usr/bin/env bash
# Builds Violet and serves it on this machine: ./scripts/serve.sh [PORT]
# Sets up whatever is missing first. Without a port, a free one is taken.
source "$(dirname "$0")/setup.sh"
cd "$root"
setup_rust
setup_page
"$root/scripts/weights.sh"
build_page
exec python3 - "${1:-0}" <<'PYTHON'
import functools, http.server, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map,
                      ".wasm": "application/wasm", ".js": "text/javascript", ".md": "text/plain; charset=utf-8"}
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                         functools.partial(Handler, directory="dist"))
print(f"Violet is at http://localhost:{server.server_port}/  (Ctrl+C stops it)", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
PYTHON
