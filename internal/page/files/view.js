// The messages on the screen: a gap-free piece of the log that moves along it.
// Everything that people wrote is put in as text, never as HTML.

import { linked } from "./links.js";
import { day, exactDate, newMessages, nth, number, text, time } from "./text.js";

const most = 400; // messages in the document
const piece = 50; // messages loaded at once
const near = 48; // this many points from the end is at the end

const element = (name, className, content) => {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (content !== undefined) e.textContent = content;
  return e;
};

// Characters that cannot be seen, or turn others around: with them two names
// could look alike that are not. Joiners are needed between the letters of some
// scripts and within emoji; elsewhere they only hide.
const invisible = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|^[\u200c\u200d]+|[\u200c\u200d]+$|(?<=[\0-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[\0-\u024f])/gu;

// sender shows a name, with marks in place of what is invisible in it.
function sender(name) {
  const e = element("bdi", "sender");
  let from = 0;
  for (const hit of name.matchAll(invisible)) {
    e.append(name.slice(from, hit.index));
    for (const c of hit[0]) e.append(element("span", "mark", "U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")));
    from = hit.index + hit[0].length;
  }
  e.append(name.slice(from));
  return e;
}

const segments = new Intl.Segmenter();

function initial(name) {
  const [first] = segments.segment(name.replace(invisible, "").trim());
  return first ? first.segment.toUpperCase() : "?";
}

// hue gives each name a colour: a hash (FNV-1a), spread by the golden ratio. The seed is the one
// of the first million that keeps the client's ten senders farthest apart, by 30 degrees.
function hue(name) {
  let h = 794989;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return Math.round((Math.imul(h, 0x9e3779b1) >>> 0) / 2 ** 32 * 360);
}

function render(m, own) {
  const e = element("article", "message");
  e.dataset.seq = m.seq;
  e.classList.toggle("own", m.sender === own);
  e.style.setProperty("--hue", hue(m.sender));
  e.setAttribute("aria-posinset", m.seq);
  e.setAttribute("aria-setsize", -1);

  const avatar = element("span", "avatar", initial(m.sender));
  avatar.setAttribute("aria-hidden", "true");

  const head = element("div", "head");
  const facts = element("span", "facts");
  const [count, what] = nth(m.sender_count);
  const ordinal = element("span", "nth", count);
  ordinal.append(element("span", "what", what));
  ordinal.title = count + what;
  const at = element("time", "", time(m.date));
  at.dateTime = m.sent_at;
  at.title = exactDate(m.date);
  facts.append(element("span", "seq", "#" + number(m.seq)), at);
  head.append(sender(m.sender), ordinal, facts);

  const body = element("div", "body");
  const words = element("div", "text");
  words.append(...linked(m.text));
  words.dir = "auto";
  body.append(head, words);
  if (m.text.length > 1200 || m.text.split("\n", 18).length > 16) body.append(unfolder(words));
  const row = element("div", "row");
  row.append(avatar, body);
  e.append(element("p", "day"), row);
  return e;
}

// arrange shows of a message what it does not share with the one before it: its day,
// and its sender.
function arrange(e, m, before) {
  const sameDay = before?.date.toDateString() === m.date.toDateString();
  e.querySelector(".day").hidden = sameDay;
  e.querySelector(".day").textContent = sameDay ? "" : day(m.date);
  e.classList.toggle("joined", sameDay && before.sender === m.sender);
}

function unfolder(words) {
  words.classList.add("long");
  const button = element("button", "plain", text("showAll"));
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  const fold = (folded) => {
    words.classList.toggle("long", folded);
    button.textContent = text(folded ? "showAll" : "showLess");
    button.setAttribute("aria-expanded", String(!folded));
  };
  button.addEventListener("click", () => fold(!words.classList.contains("long")));
  words.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) fold(false); }); // a link that is cut off
  return button;
}

// view shows messages in the document. load(before, limit) fetches older ones.
export function view(load) {
  const scroller = document.getElementById("scroller");
  const log = document.getElementById("log");
  const older = document.getElementById("older");
  const beginning = document.getElementById("beginning");
  const empty = document.getElementById("empty");
  const jump = document.getElementById("jump");

  let shown = []; // what is in the document
  let newest = 0; // the last message of all
  let recent = []; // the last messages of all, as many as are loaded at once
  let seen = 0; // up to here the reader has been at the end
  let waiting = []; // arrived, and not in the document yet
  let timer = null;
  let loading = false;
  let unread = false; // older messages could not be loaded
  let own = "";
  let ready = false;

  const first = () => shown[0]?.seq ?? 0;
  const last = () => shown.at(-1)?.seq ?? 0;
  const complete = () => last() === newest;
  const atEnd = () => complete() && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;
  const toEnd = () => { scroller.scrollTop = scroller.scrollHeight; };

  // edges updates what surrounds the messages and does not move them.
  function edges() {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    const height = scroller.scrollHeight;
    older.hidden = shown.length === 0 || first() <= 1;
    older.disabled = loading;
    older.textContent = text(unread ? "olderFailed" : "older");
    beginning.hidden = first() !== 1;
    empty.hidden = !ready || newest !== 0;
    if (scroller.scrollHeight !== height) scroller.scrollTop = scroller.scrollHeight - fromEnd;
    if (atEnd()) seen = newest;
    const missed = newest - Math.max(seen, 0);
    jump.hidden = missed <= 0 || atEnd();
    if (!jump.hidden) jump.textContent = newMessages(missed) + " ↓";
  }

  const parse = (m) => Object.assign(m, { date: new Date(m.sent_at) });

  // quietly makes a change that screen readers do not read out: too many new messages, or
  // ones that the person loaded.
  function quietly(change) {
    log.setAttribute("aria-live", "off");
    change();
    setTimeout(() => log.setAttribute("aria-live", "polite"), 100);
  }

  // rendered are the elements of messages that follow the one before them.
  const rendered = (messages, before) => messages.map((m, i) => {
    const e = render(m, own);
    arrange(e, m, messages[i - 1] ?? before);
    return e;
  });

  function replace(messages) {
    unread = false;
    shown = messages;
    log.replaceChildren(...rendered(messages));
  }

  function append(messages, fresh) {
    const elements = rendered(messages, shown.at(-1));
    for (const e of elements) e.classList.toggle("new", fresh);
    shown.push(...messages);
    log.append(...elements);
  }

  function trimTop() {
    const n = shown.length - most;
    if (n <= 0) return;
    const height = scroller.scrollHeight;
    shown.splice(0, n);
    for (let i = 0; i < n; i++) log.firstChild.remove();
    arrange(log.firstChild, shown[0]);
    scroller.scrollTop -= height - scroller.scrollHeight;
  }

  function trimBottom() {
    const n = shown.length - most;
    if (n <= 0) return;
    shown.splice(-n);
    for (let i = 0; i < n; i++) log.lastChild.remove();
  }

  function arrive() {
    timer = null;
    const messages = waiting;
    waiting = [];
    const follows = atEnd() || !ready;
    const joins = complete();
    newest = messages.at(-1).seq;
    recent = recent.concat(messages.slice(-piece)).slice(-piece);
    if (follows) {
      const show = () => {
        if (!joins || messages.length > most) replace(recent.slice());
        else append(messages, ready);
        trimTop();
        toEnd();
      };
      if (ready && messages.length <= 10) show();
      else quietly(show);
    } else if (joins && shown.length + messages.length <= most) {
      append(messages, true); // below what the reader sees
    }
    ready = true;
    edges();
  }

  // extend loads messages before one and adds them; it reports whether it could.
  async function extend(before, add) {
    if (loading) return true;
    loading = true;
    edges();
    const messages = await load(before, piece).catch(() => null);
    loading = false;
    if (messages) quietly(() => add(messages.map(parse)));
    edges();
    return messages !== null;
  }

  async function loadOlder() {
    unread = !await extend(first(), (messages) => {
      if (messages.at(-1)?.seq !== first() - 1) return; // the view has moved meanwhile
      const fromEnd = scroller.scrollHeight - scroller.scrollTop;
      if (shown.length) arrange(log.firstChild, shown[0], messages.at(-1));
      shown = messages.concat(shown);
      log.prepend(...rendered(messages));
      scroller.scrollTop = scroller.scrollHeight - fromEnd;
      trimBottom();
    });
    edges();
  }

  const loadNewer = () => extend(last() + piece + 1, (messages) => {
    if (!shown.length || messages[0]?.seq > last() + 1) return; // the view has moved meanwhile
    append(messages.filter((m) => m.seq > last()), false);
    newest = Math.max(newest, last());
    trimTop();
  });

  function toNewest() {
    if (!complete()) quietly(() => replace(recent.slice()));
    toEnd();
    seen = newest;
    edges();
  }

  scroller.addEventListener("scroll", () => {
    edges();
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    if (scrollTop < 200 && first() > 1 && scrollHeight > clientHeight) loadOlder();
    else if (!complete() && scrollHeight - scrollTop - clientHeight < 400) loadNewer();
  }, { passive: true });
  older.addEventListener("click", loadOlder);
  jump.addEventListener("click", () => {
    toNewest();
    scroller.focus({ preventScroll: true });
  });

  // The end stays in sight when the window, or the form below, changes its size.
  let following = true;
  scroller.addEventListener("scroll", () => { following = atEnd(); }, { passive: true });
  new ResizeObserver(() => { if (following) toEnd(); }).observe(scroller);

  return {
    // add shows messages that follow those added before.
    add(messages) {
      for (const m of messages) waiting.push(parse(m));
      timer ??= setTimeout(arrive, 30);
    },
    // opened notes that the stream is open, so that an empty log can be shown as such.
    opened() {
      if (!ready && !waiting.length) setTimeout(() => {
        ready ||= !waiting.length;
        edges();
      }, 300);
    },
    clear() {
      shown = [];
      recent = [];
      waiting = [];
      newest = seen = 0;
      ready = false;
      log.replaceChildren();
      edges();
    },
    // again renders everything anew, in another language or for another name.
    again(name) {
      own = name;
      const end = atEnd();
      quietly(() => replace(shown));
      if (end) toEnd();
      edges();
    },
    toNewest,
  };
}
