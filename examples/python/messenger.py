#!/usr/bin/env python3
"""Stores a message and prints the last ten: messenger.py SENDER TEXT [URL ...]"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
import uuid


def send(replicas, sender, text, tries=6):
    """Store one message, once, and return the last ten messages."""
    body = json.dumps({"sender": sender, "text": text}).encode()
    # One key for all tries: a try whose answer was lost may have stored the
    # message, and the next one then gets that answer instead of storing it again.
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}

    for attempt in range(tries):
        replica = replicas[attempt % len(replicas)]  # any will do
        request = urllib.request.Request(replica + "/messages", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)["messages"]
        except urllib.error.HTTPError as error:
            if error.code not in (503, 504):
                raise SystemExit(f"refused: {json.load(error)['detail']}")
            failure, wait = error, int(error.headers.get("Retry-After", 1))
        except (OSError, http.client.HTTPException) as error:  # the connection, or its end
            failure, wait = error, 1
        print(f"{replica}: {failure}; trying again", file=sys.stderr)
        time.sleep(wait)
    raise SystemExit(f"given up after {tries} tries; the message may be stored")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    for m in send(sys.argv[3:] or ["http://127.0.0.1:8001"], *sys.argv[1:3]):
        print(f"{m['seq']}  {m['sender']} ({m['sender_count']}): {m['text']}")
