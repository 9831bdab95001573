// Small plots of the last minutes, drawn in SVG.

const ns = "http://www.w3.org/2000/svg";

function draw(name, attributes, content) {
  const e = document.createElementNS(ns, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (content !== undefined) e.textContent = content;
  return e;
}

// linear are three ticks of an axis from 0 to most or a little more.
export function linear(most) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(2, most)));
  const top = [1, 2, 4, 6, 8, 10].find((n) => n * unit >= Math.max(2, most)) * unit;
  return [0, top / 2, top];
}

// logarithmic are the ticks of an axis around positive values: 1, 2, 5, 10 and so on, or
// powers of ten if these are too many.
export function logarithmic(least, most) {
  for (const digits of [[1, 2, 5], [1]]) {
    const all = [];
    for (let p = Math.floor(Math.log10(least)); p <= Math.log10(most) + 1; p++) all.push(...digits.map((n) => Number(`${n}e${p}`)));
    const first = all.findLastIndex((v) => v <= least);
    const last = Math.max(first + 1, all.findIndex((v) => v >= most));
    if (last - first < 6 || digits.length === 1) return all.slice(first, last + 1);
  }
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120].map((seconds) => 1000 * seconds);

const left = 52, right = 8, top = 8, bottom = 22;

// timeAt is the time at a place on the screen.
export function timeAt(svg, clientX, { now, span }) {
  const { x, width } = svg.getBoundingClientRect();
  return now - span * (1 - (clientX - x - left) / (width - left - right));
}

// plot draws series of {values, className}, one value for each of the times,
// null where there is none, into svg.
//
//   span        how many milliseconds the axis of time has; now is its end
//   log         whether the axis of values is logarithmic
//   marked      index of the time to mark, -1 for none
//   tick(value) labels the axis of values
//   before(ms)  labels the axis of time
export function plot(svg, { times, now, span, series, log, marked, tick, before, label }) {
  const { width, height } = svg.getBoundingClientRect();
  if (!width) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);

  const known = series.flatMap((s) => s.values.filter((v, i) => v !== null && times[i] >= now - span && (v > 0 || !log)));
  const ticks = !log ? linear(Math.max(0, ...known)) : known.length ? logarithmic(Math.min(...known), Math.max(...known)) : [1, 2, 5, 10];
  const scale = (v) => log ? Math.log(Math.max(v, ticks[0])) : v;
  const [low, high] = [ticks[0], ticks.at(-1)].map(scale);
  const x = (t) => left + (width - left - right) * (1 - (now - t) / span);
  const y = (v) => top + (height - top - bottom) * (high - scale(v)) / (high - low);

  const parts = [];
  for (const v of ticks) {
    parts.push(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    parts.push(draw("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, tick(v)));
  }
  const step = steps.find((s) => x(s) - x(0) >= 95) ?? span;
  for (let ms = 0; ms <= span; ms += step) {
    parts.push(draw("text", { x: x(now - ms), y: height - 4, "text-anchor": ms ? "middle" : "end" }, before(ms)));
  }
  for (const { values, className, filled } of series.toReversed()) { // the first one on top
    const lines = pieces(times, values, now - span).map((points) => points.map(([t, v]) => `${x(t).toFixed(1)} ${y(v).toFixed(1)}`));
    const path = lines.map((points) => "M" + points.join("L")).join("");
    for (const [point] of lines.filter((points) => points.length === 1)) { // no line would show it
      const [cx, cy] = point.split(" ");
      parts.push(draw("circle", { class: className, cx, cy, r: 2.5 }));
    }
    if (filled) {
      const floor = (point) => `${point.split(" ")[0]} ${y(ticks[0])}`;
      const areas = lines.map((points) => `M${floor(points[0])}L${points.join("L")}L${floor(points.at(-1))}Z`);
      parts.push(draw("path", { class: className + " area", d: areas.join("") }));
    }
    parts.push(draw("path", { class: className, d: path }));
  }
  if (marked >= 0) {
    const at = x(times[marked]);
    parts.push(draw("line", { class: "mark", x1: at, x2: at, y1: top, y2: height - bottom }));
    for (const { values, className } of series) {
      if (values[marked] !== null) parts.push(draw("circle", { class: className, cx: at, cy: y(values[marked]), r: 4 }));
    }
  }
  svg.replaceChildren(...parts);
}

// pieces are the runs of points without a missing value between them.
export function pieces(times, values, from) {
  const runs = [];
  let run = null;
  for (let i = 0; i < times.length; i++) {
    if (values[i] === null || times[i] < from) {
      run = null;
      continue;
    }
    if (!run) runs.push(run = []);
    run.push([times[i], values[i]]);
  }
  return runs;
}
