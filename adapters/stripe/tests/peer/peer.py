"""Serves localstripe, an independent stand-in for Stripe, with what it lacks in front of it.

localstripe keeps customers, payment intents, charges and refunds as Stripe does, and was written
by others. What the adapter needs of Stripe and it does not have is added here, on the way through:

- idempotency keys, as https://docs.stripe.com/api/idempotent_requests has them: an answer is
  repeated; the key with another request is refused; a second request while the first is at work
  is refused; what was refused before it was tried is not kept. `DELETE /_keys?key=…` forgets one,
  as Stripe does after a day;
- parameters that it does not know are left out (UNKNOWN);
- lists of payment intents are narrowed down to a customer and a time, latest first.

Nothing of it is in any program of ours: it is started for tests, as a process, from its own
virtual environment. See run.sh.
"""

import argparse
import ctypes
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UNKNOWN = {"/v1/payment_intents": {"description", "error_on_requires_action"}}
# These were refused before anything was tried.
NOT_KEPT = {400, 401, 403, 404, 429}
STARTUP_SECONDS = 60


class Keys:
    """What was answered under which key."""

    def __init__(self):
        self._lock = threading.Lock()
        self._answers = {}

    def claim(self, key, request):
        """The answer that is due, or None for whoever is to find it."""
        with self._lock:
            if key not in self._answers:
                self._answers[key] = (request, None)
                return None
            first, answer = self._answers[key]
        if first != request:
            return 400, error("idempotency_error", None)
        if answer is None:
            return 409, error("idempotency_error", "idempotency_key_in_use")
        return answer

    def complete(self, key, request, answer):
        with self._lock:
            if answer is None or answer[0] in NOT_KEPT:
                self._answers.pop(key, None)
            else:
                self._answers[key] = (request, answer)

    def forget(self, key):
        with self._lock:
            return self._answers.pop(key, None) is not None


def error(kind, code):
    return json.dumps({"error": {"type": kind, "code": code}}).encode()


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    keys = Keys()
    behind = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Idempotency-Key")
        if key is None:
            return self.answer(*self.ask("POST", self.path, body))
        request = (self.path, body)
        answer = self.keys.claim(key, request)
        if answer is not None:
            return self.answer(*answer)
        found = None
        try:
            found = self.ask("POST", self.path, body)
        finally:
            self.keys.complete(key, request, found)
        return self.answer(*found)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/v1/payment_intents":
            return self.answer(*self.list_intents(dict(urllib.parse.parse_qsl(url.query))))
        return self.answer(*self.ask("GET", self.path, None))

    def do_DELETE(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/_keys":
            key = dict(urllib.parse.parse_qsl(url.query))["key"]
            return self.answer(200 if self.keys.forget(key) else 404, b"{}")
        return self.answer(*self.ask("DELETE", self.path, None))

    def list_intents(self, narrow):
        status, body = self.ask("GET", "/v1/payment_intents?limit=1000000", None)
        if status != 200:
            return status, body
        intents = json.loads(body)["data"]
        intents.sort(key=lambda intent: intent["created"], reverse=True)
        since = int(narrow.get("created[gte]", 0))
        customer = narrow.get("customer")
        intents = [
            intent
            for intent in intents
            if intent["created"] >= since and customer in (None, intent["customer"])
        ]
        after = narrow.get("starting_after")
        if after is not None:
            ids = [intent["id"] for intent in intents]
            intents = intents[ids.index(after) + 1 :]
        limit = int(narrow.get("limit", 10))
        page = {"object": "list", "data": intents[:limit], "has_more": len(intents) > limit}
        return 200, json.dumps(page).encode()

    def ask(self, method, path, body):
        """Asks localstripe."""
        headers = {
            name: self.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in self.headers
        }
        if body and path in UNKNOWN:
            pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
            known = [(name, value) for name, value in pairs if name not in UNKNOWN[path]]
            body = urllib.parse.urlencode(known).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", "req_peer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """So that even a peer that is killed leaves nothing behind (Linux)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    except (AttributeError, OSError):
        pass


def start_localstripe(program):
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--from-scratch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    until = time.monotonic() + STARTUP_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                sys.exit(f"{program} does not start: try `{program} --port {port}`")
            time.sleep(0.05)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--localstripe", required=True, help="the program")
    arguments.add_argument("--port", required=True, type=int, help="where to serve")
    arguments = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(("127.0.0.1", arguments.port), Front)
    process, Front.behind = start_localstripe(arguments.localstripe)
    try:
        print(f"ready http://127.0.0.1:{arguments.port}", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
