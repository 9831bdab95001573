// The status page: how this replica did in the last minutes.

import { ask, foreign, why } from "./api.js";
import { plot } from "./plot.js";
import { apply, languageButton, number, text, themeButton } from "./text.js";

const byId = (id) => document.getElementById(id);
const span = 300_000;

const plots = [
  {
    id: "throughput", title: "throughput",
    tick: (v) => number(v, v < 10 ? 1 : 0),
    unit: () => text("perSecond"),
    series: [{ column: "answered", label: "answered", className: "first", filled: true }, { column: "failed", label: "failed", className: "second" }],
  },
  {
    id: "latency", title: "latency", scale: 1000,
    tick: (v) => number(v, v < 10 ? 1 : 0),
    unit: () => " " + text("ms"),
    series: [{ column: "p50", label: "p50", className: "first" }, { column: "p99", label: "p99", className: "second" }],
  },
  {
    id: "batch", title: "batch",
    tick: (v) => number(v, v < 10 ? 1 : 0),
    unit: () => "",
    series: [{ column: "batch", label: "mean", className: "first", filled: true }],
  },
];

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
  for (const s of series) {
    const item = document.createElement("span");
    const line = document.createElement("i");
    line.className = s.className;
    item.append(line, document.createTextNode(""), document.createElement("b"));
    legend.append(item);
  }
  caption.append(heading, legend);
  figure.append(caption, document.createElementNS("http://www.w3.org/2000/svg", "svg"));
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

function showPlot({ id, title, scale = 1, tick, unit, series }) {
  const figure = byId(id);
  const columns = series.map((s) => told.seconds[s.column].map((v) => v === null ? null : v * scale));
  const summaries = columns.map((values, i) => {
    const name = text(series[i].label) ?? series[i].label;
    const known = values.filter((v) => v !== null);
    const last = values.at(-1) ?? null;
    const value = last === null ? "–" : tick(last) + unit();
    const item = figure.querySelectorAll(".legend > span")[i];
    item.childNodes[1].data = name + " ";
    item.querySelector("b").textContent = value;
    return `${name} ${text("now")} ${value}, ${text("max")} ${known.length ? tick(Math.max(...known)) + unit() : "–"}`;
  });
  plot(figure.querySelector("svg"), {
    times: told.seconds.at, now: told.now, span, tick: (v) => tick(v) + unit(),
    series: series.map((s, i) => ({ ...s, values: columns[i] })),
    ago: (n) => n === 0 ? text("now") : text("minutesAgo")(n),
    label: `${text(title)}: ${summaries.join("; ")}`,
  });
}

// duration is how long milliseconds are, in its two largest units.
function duration(milliseconds) {
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [];
  for (const [unit, seconds] of [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]) {
    const n = Math.floor(rest / seconds);
    rest -= n * seconds;
    if (n || parts.length || unit === "second") parts.push(`${n} ${text("duration")[unit]}`);
  }
  return parts.slice(0, 2).join(" ");
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
