// The live feed: server-sent events, read with fetch, which unlike EventSource
// can send a token, and tells why it is refused.

import { Problem, request } from "./api.js";

// The server says something every five seconds.
const silence = 16_000;

const hiddenFor = 60_000;

// events are the data of each event of a stream of text/event-stream. It yields
// undefined after each piece that arrived, a sign of life.
export async function* events(body) {
  let rest = "", data = [];
  for await (const chunk of decoded(body)) {
    const lines = (rest + chunk).split("\n"); // ours ends lines with LF only
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) yield data.join("\n");
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice("data:".length).replace(/^ /, ""));
      }
    }
    yield undefined;
  }
}

async function* decoded(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// follow keeps a stream open for ever, and opens it again where it stopped.
//
//   received(messages)     in order, without a gap
//   changed(state, error)  "connecting", "live", "lost" (error may say why) or "paused"
//   anew()                 the place to go on from is not in the log any more
export function follow({ received, changed, anew }) {
  let last = null; // the seq of the last message
  let failures = 0;
  let abort = new AbortController();
  let wake = () => {};

  async function once() {
    abort = new AbortController();
    let timer = setTimeout(() => abort.abort(), silence);
    try {
      const headers = { Accept: "text/event-stream" };
      if (last !== null) headers["Last-Event-ID"] = String(last);
      const response = await request("/events", { headers, signal: abort.signal });
      let batch = [];
      for await (const event of events(response.body)) {
        if (event !== undefined) {
          batch.push(JSON.parse(event));
          continue;
        }
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), silence);
        failures = 0;
        changed("live");
        if (batch.length) {
          last = batch.at(-1).seq;
          received(batch);
          batch = [];
        }
      }
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  const pause = () => {
    const wait = Math.min(10_000, 500 * 2 ** failures++) * (.5 + Math.random());
    return new Promise((done) => {
      wake = done;
      setTimeout(done, wait);
    });
  };

  async function run() {
    for (;;) {
      await visible();
      let why = null;
      try {
        await once();
      } catch (error) {
        if (error instanceof Problem) why = error;
        if (why?.status === 400 && last !== null) {
          last = null;
          anew();
          continue;
        }
      }
      if (hidden) continue;
      changed("lost", why);
      await pause();
    }
  }

  // A browser opens few connections to one server, so a tab that nobody has
  // looked at for a while lets its stream go. Coming back misses nothing.
  let hidden = false;
  let hiding;
  const visible = () => new Promise((done) => {
    if (!hidden) return done();
    changed("paused");
    wake = done;
  });
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") {
      hiding = setTimeout(() => {
        hidden = true;
        abort.abort();
      }, hiddenFor);
    } else {
      hidden = false;
      wake();
    }
  });
  window.addEventListener("offline", () => abort.abort());
  window.addEventListener("online", () => wake());

  changed("connecting");
  run();
}
