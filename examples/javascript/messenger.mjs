// Stores a message and prints the last ten: node messenger.mjs SENDER TEXT [URL ...]
// Node 18 or newer, without packages. send() runs in browsers just as well.

import { setTimeout as sleep } from 'node:timers/promises';

/** Stores one message, once, and returns the last ten messages. */
async function send(replicas, sender, text, tries = 6) {
  const request = {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      // One key for all tries: a try whose answer was lost may have stored the
      // message, and the next one then gets that answer instead of storing it again.
      'Idempotency-Key': crypto.randomUUID(),
    },
    body: JSON.stringify({ sender, text }),
  };

  for (let attempt = 0; attempt < tries; attempt++) {
    const replica = replicas[attempt % replicas.length]; // any will do
    let response, answer;
    try {
      response = await fetch(`${replica}/messages`, { ...request, signal: AbortSignal.timeout(10_000) });
      answer = await response.json();
    } catch (error) { // the connection, or its end
      console.error(`${replica}: ${error.cause?.message ?? error.message}; trying again`);
      await sleep(1000);
      continue;
    }
    if (response.ok) return answer.messages;
    if (response.status !== 503 && response.status !== 504) throw new Error(`refused: ${answer.detail}`);
    console.error(`${replica}: ${answer.detail}; trying again`);
    await sleep(1000 * (response.headers.get('Retry-After') ?? 1));
  }
  throw new Error(`given up after ${tries} tries; the message may be stored`);
}

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
