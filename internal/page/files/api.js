// What the pages ask of the server.

import { apply, remember, remembered, text } from "./text.js";

// A Problem is an answer that is none of success.
export class Problem extends Error {
  constructor(response, body) {
    super(body.detail ?? "");
    this.status = response.status;
    this.type = String(body.type ?? "").split(":").pop();
    this.outcome = body.outcome;
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  }

  // why is what to tell people.
  get why() {
    return text("problems")[this.type] || this.message || text("serverSays")(this.status);
  }
}

const saved = "dummymessenger.token";

// request is fetch with the token, if there is one. If the server wants
// another, it asks the person at the keyboard, and begins again.
export async function request(path, options = {}) {
  for (;;) {
    const token = remembered(saved, "sessionStorage");
    const headers = { ...options.headers };
    if (token) headers.Authorization = "Bearer " + token;
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.ok) return response;
    if (response.status !== 401) throw new Problem(response, await response.json().catch(() => ({})));
    // Another request may have asked meanwhile.
    if (remembered(saved, "sessionStorage") === token) await askToken(Boolean(token));
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
      remember(saved, token, "sessionStorage");
      asking = null;
      done();
    };
    dialog.addEventListener("close", closed);
    dialog.showModal();
    value.focus();
  });
}

// history are messages before a place in the log, in ascending order.
export async function history(before, limit) {
  const response = await request(`/history?before=${before}&limit=${limit}`, { signal: AbortSignal.timeout(20_000) });
  return (await response.json()).messages;
}

// newKey is an Idempotency-Key. crypto.randomUUID would do, but is there only
// where the page was loaded by HTTPS or from this machine.
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

const tries = 6;

// post stores a message once, however often it has to be sent. It calls
// retrying before it sends it again. It throws a Problem, or any other error
// where it is not known whether the message was stored; then the same key and
// the same message can be posted again.
export async function post(key, sender, message, retrying) {
  for (let n = 1; ; n++) {
    try {
      return await request("/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ sender, text: message }),
        signal: AbortSignal.timeout(15_000),
      });
    } catch (error) {
      const again = !(error instanceof Problem) || error.outcome === "unknown" || error.status === 503;
      if (!again || n === tries) throw error;
      retrying();
      await new Promise((done) => setTimeout(done, Math.max(250 * 2 ** n, 1000 * (error.retryAfter ?? 0))));
    }
  }
}
