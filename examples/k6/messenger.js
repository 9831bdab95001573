// Load from ten callers, each message stored once, each window checked:
//
//     k6 run -e REPLICAS=http://127.0.0.1:8001,http://127.0.0.1:8002 messenger.js

import { check, fail, sleep } from 'k6';
import http from 'k6/http';

const replicas = (__ENV.REPLICAS || 'http://127.0.0.1:8001').split(',');
const tries = 6;

export const options = {
  scenarios: {
    callers: { executor: 'shared-iterations', vus: 10, iterations: Number(__ENV.MESSAGES || 100) },
  },
  thresholds: { checks: ['rate==1'] },
};

// k6 calls a 503 a failed request; here it is one more try.
http.setResponseCallback(http.expectedStatuses(200, 503, 504));

// send stores one message, once, and returns the last ten messages.
function send(sender, text) {
  const body = JSON.stringify({ sender, text });
  const params = {
    timeout: '10s',
    headers: {
      'Content-Type': 'application/json',
      // One key for all tries: a try whose answer was lost may have stored the
      // message, and the next one then gets that answer instead of storing it again.
      'Idempotency-Key': crypto.randomUUID(),
    },
  };
  const first = Math.floor(Math.random() * replicas.length);
  for (let attempt = 0; attempt < tries; attempt++) {
    const replica = replicas[(first + attempt) % replicas.length]; // any will do
    const response = http.post(`${replica}/messages`, body, params);
    if (response.status === 200) return response.json('messages');
    if (response.status !== 0 && response.status !== 503 && response.status !== 504) { // 0: the connection
      fail(`refused: ${response.json('detail')}`);
    }
    sleep(Number(response.headers['Retry-After'] || 1));
  }
  fail(`given up after ${tries} tries; the message may be stored`);
}

export default function () {
  const sender = `k6 ${__VU}`;
  const text = `message ${__ITER}`;
  const window = send(sender, text);
  const own = window[window.length - 1];
  check(window, {
    'my message is the last one': () => own.sender === sender && own.text === text,
    'no message is skipped': () => window.every((m, i) => m.seq === own.seq - (window.length - 1 - i)),
  });
  if (__VU === 1 && __ITER === 0) {
    for (const m of window) console.log(`${m.seq}  ${m.sender} (${m.sender_count}): ${m.text}`);
  }
}
