#!/bin/sh
# Stores a message and prints the last ten as JSON:
#
#     ./messenger.sh '{"sender":"Anna","text":"hello"}' [URL]
set -eu
message=$1
url=${2:-http://127.0.0.1:8001}

# One key for all tries: a try whose answer was lost may have stored the
# message, and the next one then gets that answer instead of storing it again.
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# --retry repeats after 503 and 504, when Retry-After says so; with
# --retry-all-errors after lost connections, too. Not --fail: that would make
# curl repeat what is refused for good.
status=$(curl --silent --show-error --max-time 10 --retry 5 --retry-all-errors \
	--header 'Content-Type: application/json' --header "Idempotency-Key: $key" --data-raw "$message" \
	--output "$answer" --write-out '%{http_code}' "$url/messages")

cat "$answer"
echo
[ "$status" = 200 ]
