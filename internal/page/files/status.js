// The status page: how this replica did in the last minutes.

import { ask, foreign, why } from "./api.js";
import { plot, timeAt } from "./plot.js";
import { apply, languageButton, number, text, themeButton } from "./text.js";

const byId = (id) => document.getElementById(id);
const longest = 300_000; // milliseconds that the plots show; fewer if the replica is younger
const shortest = 10_000;

const plots = [
  {
    id: "throughput", title: "throughput",
    series: [
      { column: "answered", label: "answered", className: "first", filled: true },
      { column: "failed", label: "failed", className: "second" },
    ],
  },
  {
    id: "latency", title: "latency", scale: 1000, log: true,
    series: [{ column: "p50", label: "p50", className: "first" }, { column: "p99", label: "p99", className: "second" }],
  },
  {
    id: "batch", title: "batch",
    series: [{ column: "batch", label: "mean", className: "first", filled: true }],
  },
];

// amount writes all figures of the plots in one way.
const amount = (v) => v === null ? "–" : number(v, v < 10 ? 2 : v < 100 ? 1 : 0);

let told = null; // the server's last answer
let state = "connecting";
let failure = null; // why the page shows nothing newer

// isStatus reports whether value has all that is shown.
const isStatus = (value) => {
  const columns = Object.values(value?.seconds ?? {});
  return ["now", "started_at", "last_seq", "queue", "watchers", "connections"].every((name) => Number.isFinite(value?.[name]))
    && ["at", ...plots.flatMap((p) => p.series.map((s) => s.column))].every((name) => Array.isArray(value.seconds?.[name]))
    && columns.every((c) => c.length === columns[0].length && c.every((v) => v === null || Number.isFinite(v)));
};

// build makes the parts of a figure that do not change with the numbers.
function build({ id, title, series }) {
  const figure = byId(id);
  const caption = document.createElement("figcaption");
  const heading = document.createElement("h2");
  heading.dataset.text = title;
  const legend = document.createElement("div");
  legend.className = "legend";
  const when = document.createElement("span");
  when.className = "when";
  legend.append(when);
  for (const s of series) {
    const item = document.createElement("span");
    const line = document.createElement("i");
    line.className = s.className;
    item.append(line, document.createTextNode(""), document.createElement("b"));
    legend.append(item);
  }
  caption.append(heading, legend);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("tabindex", "0");
  figure.append(caption, svg);
  listen(svg, title);
}

// The moment whose values all plots show: under the pointer, where it stays while the plots
// move on, or a time that was chosen with the keys. Without one they show the newest.
let pointed = null; // { svg, clientX } or { time }

const span = () => Math.min(longest, Math.max(shortest, told.now - (told.seconds.at[0] ?? told.now)));

// marked is the index of that moment's second, -1 without one.
function marked() {
  if (!pointed || !told) return -1;
  const time = pointed.time ?? timeAt(pointed.svg, pointed.clientX, { now: told.now, span: span() });
  const { at } = told.seconds;
  let nearest = -1;
  for (let i = at.length - 1; i >= 0 && at[i] >= told.now - span(); i--) {
    if (nearest < 0 || Math.abs(at[i] - time) < Math.abs(at[nearest] - time)) nearest = i;
  }
  return nearest;
}

function point(to) {
  pointed = to;
  show();
}

const keys = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

function listen(svg, title) {
  const follow = (event) => point({ svg, clientX: event.clientX });
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point(null); });
  svg.addEventListener("blur", () => { if (pointed?.time) point(null); });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") point(null);
    if (!(event.key in keys) || !told?.seconds.at.length) return;
    event.preventDefault();
    const { at } = told.seconds;
    const from = marked() < 0 ? at.length : marked();
    point({ time: at[Math.min(at.length - 1, Math.max(0, from + keys[event.key]))] });
    const values = Array.from(svg.closest("figure").querySelectorAll(".legend > span"), (e) => e.textContent);
    byId("reading").textContent = `${text(title)}: ${values.join(", ")}`;
  });
}

function show() {
  byId("state").dataset.state = state;
  byId("state").textContent = text(state);
  byId("trouble").hidden = !failure;
  byId("trouble").textContent = failure ? text("statusTrouble")(failure.fields ? why(failure) : text("noAnswer")) : "";
  byId("replica").textContent = location.host;
  if (!told) return;
  byId("database").textContent = told.database;
  byId("version").textContent = told.version;
  byId("uptime").textContent = duration(told.now - told.started_at);
  byId("last-seq").textContent = told.last_seq ? "#" + number(told.last_seq) : "–";
  byId("queue").textContent = number(told.queue);
  byId("watchers").textContent = number(told.watchers);
  byId("connections").textContent = number(told.connections)
    + (told.connections_refused ? ` (${text("refused")(number(told.connections_refused))})` : "");
  for (const p of plots) showPlot(p);
}

function showPlot({ id, title, scale = 1, log, series }) {
  const figure = byId(id);
  const columns = series.map((s) => told.seconds[s.column].map((v) => v === null ? null : v * scale));
  const { at } = told.seconds;
  const index = marked();
  const newest = index < 0 || index === at.length - 1;
  figure.querySelector(".when").textContent = newest ? text("now") : text("ago")(duration(told.now - at[index]));
  const summaries = columns.map((values, i) => {
    const name = text(series[i].label) ?? series[i].label;
    const known = values.filter((v) => v !== null);
    const item = figure.querySelectorAll(".legend > :not(.when)")[i];
    item.childNodes[1].data = name + " ";
    item.querySelector("b").textContent = amount(values.at(index) ?? null);
    return `${name} ${text("now")} ${amount(values.at(-1) ?? null)}, ${text("max")} ${amount(known.length ? Math.max(...known) : null)}`;
  });
  plot(figure.querySelector("svg"), {
    times: at, now: told.now, span: span(), log, marked: index, tick: amount,
    series: series.map((s, i) => ({ ...s, values: columns[i] })),
    before: (ms) => ms === 0 ? text("now") : "−" + duration(ms),
    label: `${text(title)}: ${summaries.join("; ")}`,
  });
}

// duration is how long milliseconds are, in its two largest units.
function duration(milliseconds) {
  let rest = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [];
  for (const [unit, seconds] of [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]) {
    const n = Math.floor(rest / seconds);
    rest -= n * seconds;
    parts.push([n, unit]);
  }
  const first = parts.findIndex(([n, unit]) => n > 0 || unit === "second");
  return parts.slice(first, first + 2).filter(([n], i) => n > 0 || i === 0)
    .map(([n, unit]) => `${number(n)}\u00a0${text("duration")[unit]}`).join(" ");
}

async function refresh() {
  try {
    const response = await ask("status.json", "application/json", { signal: AbortSignal.timeout(10_000) });
    const body = await response.json();
    if (!isStatus(body)) throw foreign(200, "200 application/json");
    told = body;
    state = "live";
    failure = null;
  } catch (error) {
    state = "lost";
    failure = error;
  }
  show();
  setTimeout(refresh, document.visibilityState === "hidden" ? 10_000 : 1000);
}

plots.forEach(build);
// What a finger showed stays until it touches something else.
document.addEventListener("pointerdown", (event) => { if (pointed && !event.target.closest(".plot svg")) point(null); });
apply();
document.title = text("statusTitle");
themeButton(byId("theme"));
languageButton(byId("language"), () => {
  document.title = text("statusTitle");
  show();
});
new ResizeObserver(show).observe(document.querySelector("main"));
show();
refresh();
