#!/usr/bin/env python3
"""Stores a message and prints the last ten: messenger.py SENDER TEXT [URL ...]"""

import email.utils
import http.client
import ipaddress
import json
import random
import sys
import time
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import uuid

TRIES = 8
LONGEST = 10  # seconds, of a try and of a wait
AGAIN = (429, 502, 503, 504)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirection as it is: it leads to a log-in page, not to an answer."""

    def redirect_request(self, *_):
        return None


class NoProxyForLoopback(urllib.request.ProxyHandler):
    """Leaves this machine to the next handler: a proxy's loopback is another one."""

    def proxy_open(self, req, *args):
        host = urllib.parse.urlsplit(req.full_url).hostname or ""
        try:
            own = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            own = False
        return None if own else super().proxy_open(req, *args)


opener = urllib.request.build_opener(NoRedirect, NoProxyForLoopback)


def send(replicas, sender, text):
    """Store one message, once, and return the last ten messages."""
    body = json.dumps({"sender": sender, "text": text}).encode()
    # One key for all tries: a try whose answer was lost may have stored the
    # message, and the next one then gets that answer instead of storing it again.
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}

    for attempt in range(TRIES):
        replica = replicas[attempt % len(replicas)].rstrip("/")  # any will do
        request = urllib.request.Request(replica + "/messages", body, headers)
        wait = None
        try:
            with opener.open(request, timeout=LONGEST) as response:
                answer = response.read()
                return window(response, answer, sender, text)
        except urllib.error.HTTPError as error:
            failure = explain(error)
            if error.code not in AGAIN:
                raise SystemExit(f"refused: {failure}")
            wait = asked_to_wait(error.headers.get("Retry-After", ""))
        except (OSError, http.client.HTTPException) as error:  # the connection, or its end
            failure = error
        if attempt < TRIES - 1:
            wait = min(LONGEST, wait or 0.2 * 2**attempt * random.uniform(0.5, 1.5))
            print(f"{replica}: {failure}; trying again in {wait:.1f} s", file=sys.stderr)
            time.sleep(wait)
    raise SystemExit(f"given up after {TRIES} tries: {failure}; the message may be stored")


def window(response, answer, sender, text):
    """Return the messages of an answer, if it is the messenger's to this message."""
    try:
        if response.status == 200 and response.headers.get_content_type() == "application/json":
            messages = json.loads(answer)["messages"]
            own = messages[-1]
            same = unicodedata.normalize("NFC", own["sender"]) == unicodedata.normalize("NFC", sender)
            if same and own["text"] == text and all(m["seq"] > 0 and m["sender_count"] > 0 for m in messages):
                return messages
    except (ValueError, LookupError, TypeError):
        pass
    raise SystemExit("something else answered instead of the messenger; the message may be stored")


def explain(error):
    """Say why the messenger refuses, or that a proxy does, whose words are not ours."""
    if error.headers.get_content_type() == "application/problem+json":
        try:
            return json.load(error)["detail"]
        except (ValueError, LookupError, TypeError, OSError, http.client.HTTPException):
            pass
    return f"status {error.code}, not of the messenger"


def asked_to_wait(value):
    """Return the seconds of a Retry-After, which may be a date, or 0."""
    if value.isdecimal():
        return int(value)
    try:
        return max(0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    for m in send(sys.argv[3:] or ["http://127.0.0.1:8001"], *sys.argv[1:3]):
        print(f"{m['seq']}  {m['sender']} ({m['sender_count']}): {m['text']}")
