// The messenger: wires the feed, the view and the form together.

import { history, newKey, post, Problem, root, why } from "./api.js";
import { follow } from "./stream.js";
import { allMessages, apply, languageButton, number, remember, remembered, text, themeButton } from "./text.js";
import { view } from "./view.js";

const byId = (id) => document.getElementById(id);
const [name, words, send, stop, count, failure] = ["name", "text", "send", "stop", "count", "failure"].map(byId);
const [state, place, trouble] = ["state", "place", "trouble"].map(byId);

apply();
document.title = text("title");

const messages = view(history);

// The connection, and what is wrong with it.

let connection = { state: "connecting", why: null, anew: false };

function showConnection() {
  state.dataset.state = connection.state;
  if (state.textContent !== text(connection.state)) state.textContent = text(connection.state);
  let said = "";
  if (connection.state === "lost") said = connection.why ? text("refusedTrouble")(why(connection.why)) : text("lostTrouble");
  else if (connection.anew) said = text("anew");
  if (trouble.textContent !== said) trouble.textContent = said;
  trouble.hidden = said === "";
  showPlace();
}

// Where this page comes from, and how long the log is. It stands outside of the state,
// which screen readers read out whenever it changes.
let newest = 0;

function showPlace() {
  place.textContent = ["", location.host + root.replace(/\/$/, ""), ...newest ? [allMessages(newest)] : []].join(" · ");
}

follow({
  received(batch) {
    messages.add(batch);
    newest = batch.at(-1).seq;
    showPlace();
  },
  changed(to, problem = null) {
    if (to === "live") messages.opened();
    connection = { ...connection, state: to, why: problem };
    showConnection();
  },
  anew() {
    messages.clear();
    newest = 0;
    connection.anew = true;
    showConnection();
  },
});

// The form.

const savedName = "dummymessenger.name";
name.value = remembered(savedName) ?? "";
messages.again(name.value.normalize("NFC"));
name.addEventListener("change", () => {
  remember(savedName, name.value);
  messages.again(name.value.normalize("NFC"));
});
(name.value ? words : name).focus();

const length = (s) => [...s].length; // in characters, as the server counts

function showCount() {
  const n = length(words.value);
  count.hidden = n < 3500;
  count.textContent = `${number(n)} / ${number(4096)}`;
  count.classList.toggle("over", n > 4096);
}

let failed = null; // makes the text in failure

function fail(what) {
  failed = what;
  failure.textContent = what ? what() : "";
  failure.hidden = !what;
}

// complaint is what is wrong with the form, and where.
function complaint() {
  const nameLength = length(name.value.normalize("NFC")), textLength = length(words.value);
  if (nameLength === 0) return [name, () => text("nameMissing")];
  if (nameLength > 64) return [name, () => text("nameLong")(number(nameLength))];
  if (textLength === 0) return [words, () => text("textMissing")];
  if (textLength > 4096) return [words, () => text("textLong")(number(textLength))];
  return null;
}

// The message that was sent last, until its answer is there. Sending the same
// again has the same key, so it is stored once.
let unsettled = null;
let sending = null; // aborts what is under way

stop.addEventListener("click", () => sending?.abort());

async function submit() {
  if (sending) return;
  const wrong = complaint();
  name.setAttribute("aria-invalid", String(wrong?.[0] === name));
  words.setAttribute("aria-invalid", String(wrong?.[0] === words));
  if (wrong) {
    fail(wrong[1]);
    wrong[0].focus();
    return;
  }
  const draft = { sender: name.value, text: words.value };
  if (!unsettled || unsettled.sender !== draft.sender || unsettled.text !== draft.text) {
    unsettled = { ...draft, key: newKey() };
  }
  sending = new AbortController();
  send.disabled = true;
  words.readOnly = true;
  fail(null);
  const { signal } = sending;
  const cause = (error) => signal.aborted ? text("stopped") : error instanceof Problem ? why(error) : text("noAnswer");
  try {
    await post(unsettled.key, draft.sender, draft.text, ({ error, n, tries, wait }) => {
      stop.hidden = false;
      fail(() => text("retrying")({ why: cause(error), n, tries, seconds: number(wait / 1000, 1) }));
    }, signal);
    unsettled = null;
    words.value = "";
    fail(null);
    messages.toNewest();
  } catch (error) {
    fail(() => text(error.outcome === "not_stored" ? "notStored" : "unknown")(cause(error)));
  } finally {
    sending = null;
    stop.hidden = true;
    send.disabled = false;
    words.readOnly = false;
    showCount();
    words.focus();
  }
}

byId("compose").noValidate = true; // what is wrong is said in our own words
byId("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
words.addEventListener("input", showCount);
// On a touch screen there is no Shift+Enter, so Enter begins a new line there. One
// that ends an input method's composition is none of ours: Safari tells only by its code, 229.
const sends = (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229
  && !matchMedia("(pointer: coarse)").matches;
words.addEventListener("keydown", (event) => {
  if (!sends(event)) return;
  event.preventDefault();
  submit();
});
// Some browsers insert the key's line break after all, even once the message is sent:
// into the field that was emptied for the next one.
words.addEventListener("keypress", (event) => {
  if (sends(event)) event.preventDefault();
});

themeButton(byId("theme"));
languageButton(byId("language"), () => {
  document.title = text("title");
  showConnection();
  showCount();
  fail(failed);
  messages.again(name.value.normalize("NFC"));
});
