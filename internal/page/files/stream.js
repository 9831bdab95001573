// The live feed: server-sent events, read with fetch, which unlike EventSource
// can send a token, and tells why it is refused.

import { areMessages, foreign, Problem, request, root, savedToken } from "./api.js";

// The server says something every five seconds.
const silence = 16_000;

const hiddenFor = 60_000;

// events are the data of each event of a stream of text/event-stream. It yields
// undefined after each piece that ended a line, a sign of life.
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
      } else if (!/^[a-z]*:/.test(line)) {
        throw notOurs();
      }
    }
    if (lines.length) yield undefined;
  }
}

const notOurs = () => foreign(200, "200 text/event-stream");

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

// A browser opens six connections to a server, and a window that waits for one cannot
// even send. So windows with the same token share one stream. Each window opens its own
// stream and closes it once it has caught up with a window that comes before it, which
// passes on all that it reads. The others open theirs again when that window says
// goodbye, is silent for too long, or has left out a message.
const patience = 20_000;
const followed = "another window is followed"; // why a stream was closed

const ranks = { live: 0, lost: 1, connecting: 2 };
const before = (a, b) => (ranks[a.state] - ranks[b.state] || a.id - b.id) < 0;

// follow keeps up with the log for ever.
//
//   received(messages)     in order, without a gap
//   changed(state, error)  "connecting", "live", "lost" (error may say why) or "paused"
//   anew()                 the place to go on from is not in the log any more
export function follow({ received, changed, anew }) {
  // What this window broadcasts: the state of its own stream, and the seq of its last message.
  const me = { id: performance.timeOrigin + Math.random(), state: "connecting", why: null, last: 0 };
  let other = null; // last broadcast of the window that this one follows, or will follow
  let reading = false; // a stream of its own
  let failures = 0;
  let fresh = false; // since the log is another one
  let abort = new AbortController();
  let wake = () => {};
  let channel = null;
  let deaf;

  const tell = (more) => channel?.postMessage({ ...me, ...more });

  // join lets this window hear those with the same token; windows without it do not
  // know the channel's name. Browsers may forbid channels, as they may storage; then
  // nothing is shared.
  function join() {
    const name = `dummymessenger ${root} ${savedToken() ?? ""}`;
    if (channel?.name === name) return;
    channel?.close();
    channel = null;
    try {
      channel = new BroadcastChannel(name);
      channel.onmessage = hear;
    } catch { /* see above */ }
  }

  function leave() {
    if (!other) tell({ bye: true });
    channel?.close();
    channel = other = null;
    clearTimeout(deaf);
    me.state = "connecting";
  }

  // open makes this window read its own stream again.
  function open() {
    other = null;
    clearTimeout(deaf);
    me.state = "connecting";
    wake();
  }

  function close() {
    reading = false;
    abort.abort(followed);
  }

  // take adds the messages that are new, and reports whether none is missing.
  function take(batch) {
    batch = batch.filter((m) => m.seq > me.last);
    if (!batch.length) return true;
    if (me.last > 0 && batch[0].seq !== me.last + 1) return false;
    me.last = batch.at(-1).seq;
    received(batch);
    return true;
  }

  function restart() {
    me.last = 0;
    anew();
  }

  const caughtUp = () => other && (other.state !== "live" || me.last >= other.last);

  function hear({ data: said }) {
    if (said.hello) {
      if (!other && me.state !== "connecting") tell();
      return;
    }
    if (said.bye) {
      if (other?.id === said.id) open();
      return;
    }
    if (!other && before(me, said)) {
      tell(); // it will close its own
      return;
    }
    other = said;
    clearTimeout(deaf);
    deaf = setTimeout(open, patience);
    if (reading) {
      if (!caughtUp()) return;
      close();
    }
    if (said.anew) restart();
    changed(said.state, said.why);
    if (!take(said.batch ?? []) || !caughtUp()) open();
    wake();
  }

  // read shows what a stream of this window's own brings.
  async function read() {
    join();
    reading = true;
    abort = new AbortController();
    const { signal } = abort;
    let timer = setTimeout(() => abort.abort(), silence);
    try {
      tell({ hello: true });
      const headers = { Accept: "text/event-stream" };
      if (me.last > 0) headers["Last-Event-ID"] = String(me.last);
      const response = await request("events", "text/event-stream", { headers, signal }, leave);
      join(); // the token may be another one now
      let batch = [];
      for await (const event of events(response.body)) {
        if (signal.aborted) return;
        if (event !== undefined) {
          batch.push(JSON.parse(event));
          continue;
        }
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), silence);
        failures = 0;
        if (!areMessages(batch) || !take(batch)) throw notOurs();
        if (other && caughtUp()) return;
        if (!other) {
          Object.assign(me, { state: "live", why: null });
          tell({ batch, anew: fresh });
          fresh = false;
        }
        changed("live");
        batch = [];
      }
    } finally {
      clearTimeout(timer);
      reading = false;
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
      if (other) {
        await new Promise((done) => { wake = done; });
        continue;
      }
      let why = null;
      try {
        await read();
      } catch (error) {
        if (error instanceof Problem) why = error.fields;
        if (why?.status === 400 && !why.foreign && me.last > 0) {
          fresh = true;
          restart();
          continue;
        }
      }
      if (hidden || abort.signal.reason === followed || caughtUp()) continue;
      other = null;
      Object.assign(me, { state: "lost", why });
      tell();
      changed("lost", why);
      await pause();
    }
  }

  // A window that has been hidden for a while, or that is left, closes its stream. When
  // it is shown again it catches up without a gap.
  let hidden = false;
  let hiding;
  const visible = () => new Promise((done) => {
    if (!hidden) return done();
    changed("paused");
    wake = done;
  });
  function hide() {
    hidden = true;
    leave();
    abort.abort();
    wake();
  }
  function show() {
    hidden = false;
    wake();
  }
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") hiding = setTimeout(hide, hiddenFor);
    else show();
  });
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", (event) => { if (event.persisted) show(); });
  window.addEventListener("offline", () => abort.abort());
  window.addEventListener("online", () => wake());

  changed("connecting");
  run();
}
