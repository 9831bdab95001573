// Stores a message and prints the last ten: node messenger.mjs SENDER TEXT [URL ...]
// Node 18 or newer, without packages. send() runs in browsers just as well.

import { setTimeout as sleep } from 'node:timers/promises';

const tries = 8;
const longest = 10_000; // of a try and of a wait
const again = [429, 502, 503, 504];

/** Stores one message, once, and returns the last ten messages. */
async function send(replicas, sender, text) {
  const request = {
    method: 'POST',
    redirect: 'manual', // it leads to a log-in page, not to an answer
    headers: {
      'Content-Type': 'application/json',
      // One key for all tries: a try whose answer was lost may have stored the
      // message, and the next one then gets that answer instead of storing it again.
      'Idempotency-Key': crypto.randomUUID(),
    },
    body: JSON.stringify({ sender, text }),
  };

  let failure;
  for (let attempt = 0; attempt < tries; attempt++) {
    const replica = replicas[attempt % replicas.length].replace(/\/+$/, ''); // any will do
    let response, body, wait;
    try {
      response = await fetch(`${replica}/messages`, { ...request, signal: AbortSignal.timeout(longest) });
      body = await response.text();
    } catch (error) { // the connection, or its end
      failure = error.cause?.message ?? error.message;
    }
    if (body !== undefined) {
      if (response.status === 200) return lastMessages(response, body, sender, text);
      failure = explain(response, body);
      if (!again.includes(response.status)) throw new Error(`refused: ${failure}`);
      wait = askedToWait(response.headers.get('Retry-After') ?? '');
    }
    if (attempt === tries - 1) break;
    wait = Math.min(longest, wait || 200 * 2 ** attempt * (0.5 + Math.random()));
    console.error(`${replica}: ${failure}; trying again in ${(wait / 1000).toFixed(1)} s`);
    await sleep(wait);
  }
  throw new Error(`given up after ${tries} tries: ${failure}; the message may be stored`);
}

const typeOf = (response) => (response.headers.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase();

const parse = (body) => {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
};

/** The messages of an answer, if it is the messenger's to this message. */
function lastMessages(response, body, sender, text) {
  const { messages } = typeOf(response) === 'application/json' ? parse(body) : {};
  const wellFormed = Array.isArray(messages)
    && messages.every((m) => m?.seq > 0 && m.sender_count > 0 && typeof m.sender === 'string' && typeof m.text === 'string');
  const own = wellFormed ? messages.at(-1) : undefined;
  if (own?.sender.normalize('NFC') !== sender.normalize('NFC') || own.text !== text) {
    throw new Error('something else answered instead of the messenger; the message may be stored');
  }
  return messages;
}

/** Why the messenger refuses, or that a proxy does, whose words are not ours. */
function explain(response, body) {
  const detail = typeOf(response) === 'application/problem+json' ? parse(body).detail : undefined;
  return detail ?? `status ${response.status}, not of the messenger`;
}

/** Milliseconds of a Retry-After, which may be a date, or 0. */
const askedToWait = (value) => Math.max(0, (/^\d+$/.test(value) ? 1000 * value : Date.parse(value) - Date.now()) || 0);

const [sender, text, ...replicas] = process.argv.slice(2);
if (text === undefined) {
  console.error('usage: node messenger.mjs SENDER TEXT [URL ...]');
  process.exit(2);
}
try {
  const messages = await send(replicas.length ? replicas : ['http://127.0.0.1:8001'], sender, text);
  for (const m of messages) console.log(`${m.seq}  ${m.sender} (${m.sender_count}): ${m.text}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
