"""A small server of chat completions, which may speak to somebody else meanwhile: homely.py PORT MODE [HOST PORT]."""

import json
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = ["all ", "quiet ", "here "]
# A child of this program that connects and waits for its own end.
CHILD = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
time.sleep(60)
"""


def phone(mode, home):
    """Opens what the mode says and gives it back, so that it stays open."""
    if mode == "quiet":
        return None
    if mode == "tcp":
        return socket.create_connection(home, timeout=10)
    if mode == "child":
        return subprocess.Popen([sys.executable, "-c", CHILD, *map(str, home)])
    if mode == "attempt":
        s = socket.socket()
        s.setblocking(False)
        try:
            s.connect(home)
        except BlockingIOError:
            pass
        return s
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if mode == "udp":
        s.connect(home)
        s.send(b"hello")
    else:
        s.sendto(b"hello", home)
    return s


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def whole(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.whole(200 if self.path == "/health" else 404, b"{}")

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in WORDS:
            time.sleep(0.1)
            self.event({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
        usage = {"prompt_tokens": 5, "completion_tokens": len(WORDS), "total_tokens": 5 + len(WORDS)}
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
        self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, value):
        self.chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


KEPT = phone(sys.argv[2], (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else None)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
