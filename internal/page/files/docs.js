// The docs' script: examples name this server and can be copied, and a form sends a
// message. Without it the docs can still be read.

import { foreign, newKey, root, savedToken, saveToken, why } from "./api.js";
import { languageLink, text, themeButton } from "./text.js";

const all = (selector) => document.querySelectorAll(selector);

languageLink(document.getElementById("language"));
themeButton(document.getElementById("theme"));

// What a shell or a URL could take for something else is percent-encoded.
const folder = root.replace(/[^\w/.~%-]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
for (const e of all(".origin")) e.textContent = location.origin + folder.replace(/\/$/, "");

const showTokens = () => { for (const e of all(".token")) e.hidden = false; };
if (savedToken()) showTokens();

// copy puts what is seen of an example into the clipboard. The newer way is there only
// where the page was loaded by HTTPS or from this machine, and may be forbidden.
async function copy(example) {
  try {
    await navigator.clipboard.writeText(example.innerText);
    return true;
  } catch {
    getSelection().selectAllChildren(example);
    return document.execCommand("copy");
  }
}

for (const button of all(".copy")) {
  const label = button.textContent;
  let timer;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!await copy(button.previousElementSibling)) return; // what is to be copied is selected
    button.textContent = button.dataset.copied;
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// Headers of an answer that are shown; they are what is particular to it.
const shown = ["Content-Type", "DummyMessenger-Replica", "Idempotent-Replayed", "Retry-After", "WWW-Authenticate", "X-Request-Id"];

// indented is a JSON body in lines; messages have one each.
function indented(body) {
  try {
    const { messages, ...fields } = JSON.parse(body);
    if (!messages) return JSON.stringify(fields, null, 2);
    return `{"messages":[\n${messages.map((m) => JSON.stringify(m)).join(",\n")}\n]}`;
  } catch {
    return body;
  }
}

const lines = (first, headers, body) => [first, ...headers.map((pair) => pair.join(": ")), "", body].join("\n");

// tryOut makes form send what is in it, whatever that is.
function tryOut(form) {
  const { method, path, type } = form.dataset;
  const secret = form.querySelector(".secret");
  let unsettled = null; // the same body has the same key until it is stored

  async function answer(options) {
    const response = await fetch(root + path, { ...options, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(20_000) });
    if (response.type === "opaqueredirect") return why(foreign(0, "redirection"));
    const { status, statusText, headers } = response;
    const body = await response.text();
    if (status === 200 && headers.get("Content-Type")?.split(";")[0] === "application/json") unsettled = null;
    if (status === 401) showTokens();
    return lines(`${status} ${statusText}`.trim(), shown.map((name) => [name, headers.get(name)]).filter(([, value]) => value), indented(body));
  }

  async function submit() {
    const fields = Array.from(form.querySelectorAll("[name]"), (e) => [e.name, e.value]);
    const body = JSON.stringify(Object.fromEntries(fields));
    if (unsettled?.body !== body) unsettled = { body, key: newKey() };
    const headers = { "Content-Type": type, "Idempotency-Key": unsettled.key };
    const said = Object.entries(headers);
    const token = secret.value.replace(/[^\x21-\x7e]/g, ""); // what a header cannot have
    if (token) {
      saveToken(token);
      headers.Authorization = "Bearer " + token;
      said.push(["Authorization", "Bearer …"]);
    }
    const exchange = form.querySelector("template").content.cloneNode(true);
    const [sent, received] = exchange.querySelectorAll("pre");
    sent.textContent = lines(`${method} ${root}${path}`, said, body);
    received.textContent = await answer({ method, headers, body }).catch(() => text("noAnswer"));
    form.querySelector(".result").replaceChildren(exchange);
  }

  secret.value = savedToken() ?? "";
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { submitter } = event;
    submitter.disabled = true;
    await submit();
    submitter.disabled = false;
    submitter.focus({ preventScroll: true });
  });
}

for (const form of all(".try")) tryOut(form);
