// Load from ten callers, each message stored once, each window checked:
//
//     k6 run -e REPLICAS=http://127.0.0.1:8001,http://127.0.0.1:8002 messenger.js

import { check, fail, sleep } from 'k6';
import http from 'k6/http';

const replicas = (__ENV.REPLICAS || 'http://127.0.0.1:8001').split(',');
const tries = 8;
const longest = 10; // seconds, of a try and of a wait
const again = [0, 429, 502, 503, 504]; // 0: no answer

export const options = {
  scenarios: {
    callers: { executor: 'shared-iterations', vus: 10, iterations: Number(__ENV.MESSAGES || 100) },
  },
  thresholds: { checks: ['rate==1'] },
};

// By default k6 counts a 503 as a failed request; this script retries it.
http.setResponseCallback(http.expectedStatuses(200, 429, 502, 503, 504));

// send stores one message, once, and returns the last ten messages.
function send(sender, text) {
  const body = JSON.stringify({ sender, text });
  const params = {
    timeout: `${longest}s`,
    redirects: 0, // one leads to a log-in page, not to an answer
    headers: {
      'Content-Type': 'application/json',
      // One key for all tries: a try whose answer was lost may have stored the
      // message, and the next one then gets that answer instead of storing it again.
      'Idempotency-Key': crypto.randomUUID(),
    },
  };
  const first = Math.floor(Math.random() * replicas.length);
  for (let attempt = 0; attempt < tries; attempt++) {
    const replica = replicas[(first + attempt) % replicas.length].replace(/\/+$/, ''); // any will do
    const response = http.post(`${replica}/messages`, body, params);
    if (response.status === 200) {
      const { messages } = answer(response, 'application/json');
      const wellFormed = Array.isArray(messages)
        && messages.every((m) => m && m.seq > 0 && m.sender_count > 0 && typeof m.sender === 'string' && typeof m.text === 'string');
      if (!wellFormed || messages.length === 0) fail('something else answered instead of the messenger');
      return messages;
    }
    if (!again.includes(response.status)) {
      fail(`refused: ${answer(response, 'application/problem+json').detail || `status ${response.status}, not of the messenger`}`);
    }
    if (attempt < tries - 1) {
      sleep(Math.min(longest, askedToWait(response.headers['Retry-After'] || '') || 0.2 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
  fail(`given up after ${tries} tries; the message may be stored`);
}

// answer is the body, if it has the media type that only the messenger gives it.
function answer(response, type) {
  if ((response.headers['Content-Type'] || '').split(';')[0].trim().toLowerCase() !== type) return {};
  try {
    return response.json() || {};
  } catch (error) {
    return {};
  }
}

// askedToWait is the seconds of a Retry-After, which may be a date, or 0.
const askedToWait = (value) => Math.max(0, (/^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000) || 0);

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
