// What the pages ask of the server.

import { apply, remember, remembered, text } from "./text.js";

// root is the folder that the pages lie in: "/", or the path under which a
// proxy serves them. Node.js has no location.
export const root = globalThis.location?.pathname.replace(/[^/]*$/, "") ?? "/";

// A Problem is an answer that does not do what was asked for. Its fields can be
// sent to other windows; why says them to people.
export class Problem extends Error {
  constructor(fields) {
    super(fields.detail ?? "");
    this.fields = fields;
    Object.assign(this, fields);
  }
}

// why is what to tell people of a Problem, or of its fields.
export function why({ type, detail, status, foreign }) {
  if (foreign) return text("foreign")(foreign === "redirection" ? text(foreign) : foreign);
  return text("problems")[type] || detail || text("serverSays")(status);
}

// foreign is the Problem of an answer that is not the messenger's: a proxy's
// error, a log-in page, or a redirection to one.
export const foreign = (status, what) => new Problem({ status, foreign: what });

// ask is fetch for an answer of the messenger: 200 with a body of this media
// type. Any other answer is thrown as a Problem.
export async function ask(path, type, options = {}) {
  const response = await fetch(root + path, { ...options, cache: "no-store", redirect: "manual" });
  const { status, headers } = response;
  const given = (headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
  if (status === 200 && given === type) return response;
  let problem;
  if (given === "application/problem+json") {
    const { type: name, detail, outcome } = await response.json();
    problem = new Problem({ status, type: String(name).split(":").pop(), detail, outcome });
  } else {
    response.body?.cancel().catch(() => {});
    const redirected = response.type === "opaqueredirect" || (status >= 300 && status < 400);
    problem = foreign(status, redirected ? "redirection" : `${status} ${given}`.trim());
  }
  throw Object.assign(problem, { wait: askedToWait(headers) });
}

// askedToWait is the time of a Retry-After in milliseconds, 0 without one.
function askedToWait(headers) {
  const value = headers.get("Retry-After") ?? "";
  return Math.max(0, (/^\d+$/.test(value) ? 1000 * value : Date.parse(value) - Date.now()) || 0);
}

const isCount = (n) => Number.isSafeInteger(n) && n > 0;

// areMessages reports whether value is a gap-free piece of the log.
export const areMessages = (value) => Array.isArray(value) && value.every((m, i) => isCount(m?.seq) && isCount(m.sender_count)
  && typeof m.sender === "string" && typeof m.text === "string" && !Number.isNaN(Date.parse(m.sent_at))
  && (i === 0 || m.seq === value[i - 1].seq + 1));

// messagesOf reads the messages of an answer.
async function messagesOf(response) {
  const body = await response.text(); // its end may be lost, which is no answer
  let messages;
  try {
    ({ messages } = JSON.parse(body));
  } catch { /* then there are none */ }
  if (!areMessages(messages)) throw foreign(response.status, "200 application/json");
  return messages;
}

const saved = "dummymessenger.token";

export const savedToken = () => remembered(saved, "sessionStorage");
export const saveToken = (token) => remember(saved, token, "sessionStorage");

// request is ask with the token, if there is one. If the server wants another,
// it calls waits, asks the person at the keyboard, and begins again.
export async function request(path, type, options = {}, waits = () => {}) {
  for (;;) {
    const token = savedToken();
    const headers = { ...options.headers };
    if (token) headers.Authorization = "Bearer " + token;
    try {
      return await ask(path, type, { ...options, headers });
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401 || error.foreign) throw error;
    }
    // Another request may have asked meanwhile.
    if (savedToken() === token) {
      waits();
      await askToken(Boolean(token));
    }
    options.signal?.throwIfAborted();
  }
}

let asking = null;

// askToken returns when there is a token to try; however many ask, there is one dialog.
function askToken(wrong) {
  return asking ??= new Promise((done) => {
    const dialog = document.getElementById("token");
    const value = document.getElementById("token-value");
    const why = document.getElementById("token-why");
    why.dataset.text = wrong ? "tokenWrong" : "tokenWhy";
    why.classList.toggle("wrong", wrong);
    apply(dialog);
    value.value = "";
    const closed = () => {
      const token = value.value.trim();
      if (!/^[\x21-\x7e]+$/.test(token)) { // Escape, or nothing that could be sent
        dialog.showModal();
        return;
      }
      value.value = "";
      dialog.removeEventListener("close", closed);
      saveToken(token);
      asking = null;
      done();
    };
    dialog.addEventListener("close", closed);
    dialog.showModal();
    value.focus();
  });
}

// history are messages before a place in the log, in ascending order.
export const history = async (before, limit) =>
  messagesOf(await request(`history?before=${before}&limit=${limit}`, "application/json", { signal: AbortSignal.timeout(20_000) }));

// newKey is an Idempotency-Key. crypto.randomUUID would do, but is there only
// where the page was loaded by HTTPS or from this machine.
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// What to try again, and when, is the same in the examples; README says it.
const tries = 8;
const longest = 10_000; // of a wait, and of a try
const again = [429, 502, 503, 504];

const nfc = (name) => name.normalize("NFC");

const pause = (ms, signal) => new Promise((done) => {
  setTimeout(done, ms);
  signal?.addEventListener("abort", done, { once: true });
});

// post stores a message once, however often it has to be sent, and returns the
// window that it ends. Before each wait it calls retrying({ error, n, tries, wait }).
// The error that it throws, also when signal is aborted, has the outcome
// "not_stored" if no try can have stored the message; after any other the same
// key and message can be posted again.
export async function post(key, sender, message, retrying, signal) {
  let outcome = "not_stored"; // of all tries so far
  for (let n = 1; ; n++) {
    let failed;
    try {
      const timeout = AbortSignal.timeout(longest);
      const messages = await messagesOf(await request("messages", "application/json", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ sender, text: message }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      }));
      const own = messages.at(-1);
      if (own && nfc(own.sender) === nfc(sender) && own.text === message) return messages;
      failed = foreign(200, "200 application/json");
    } catch (error) {
      failed = error;
    }
    if (failed.outcome !== "not_stored") outcome = "unknown";
    const final = n === tries || (failed instanceof Problem && !again.includes(failed.status));
    if (!final && !signal?.aborted) {
      const wait = Math.min(longest, failed.wait || 200 * 2 ** (n - 1) * (.5 + Math.random()));
      retrying({ error: failed, n: n + 1, tries, wait });
      await pause(wait, signal);
    }
    if (final || signal?.aborted) throw Object.assign(failed, { outcome });
  }
}
