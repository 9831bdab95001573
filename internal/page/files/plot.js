// Small plots of the last minutes, drawn in SVG.

const ns = "http://www.w3.org/2000/svg";

function draw(name, attributes, content) {
  const e = document.createElementNS(ns, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (content !== undefined) e.textContent = content;
  return e;
}

// ceiling is the next number that makes a good top of an axis of two steps.
export function ceiling(most) {
  if (!(most > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].find((n) => n * unit >= most) * unit;
}

const left = 52, right = 8, top = 8, bottom = 22;

// plot draws series of {values, className}, one value for each of the times,
// null where there is none, into figure's svg.
//
//   span        how many milliseconds the axis of time has; now is its end
//   tick(value) labels the axis of values
//   ago(n)      labels n minutes before now
export function plot(svg, { times, now, span, series, tick, ago, label }) {
  const { width, height } = svg.getBoundingClientRect();
  if (!width) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);

  const most = ceiling(Math.max(0, ...series.flatMap((s) => s.values.filter((v) => v !== null))));
  const x = (t) => left + (width - left - right) * (1 - (now - t) / span);
  const y = (v) => top + (height - top - bottom) * (1 - v / most);

  const parts = [];
  for (const v of [0, most / 2, most]) {
    parts.push(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    parts.push(draw("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, tick(v)));
  }
  const minutes = span / 60_000;
  for (let n = 0; n <= minutes; n += width < 480 && minutes > 2 ? minutes : 1) {
    const anchor = n === 0 ? "end" : n === minutes ? "start" : "middle";
    parts.push(draw("text", { x: x(now - n * 60_000), y: height - 4, "text-anchor": anchor }, ago(n)));
  }
  for (const { values, className, filled } of series.toReversed()) { // the first one on top
    const lines = pieces(times, values, now - span).map((points) => points.map(([t, v]) => `${x(t).toFixed(1)} ${y(v).toFixed(1)}`));
    const path = lines.map((points) => "M" + points.join("L")).join("");
    for (const [point] of lines.filter((points) => points.length === 1)) { // no line would show it
      const [cx, cy] = point.split(" ");
      parts.push(draw("circle", { class: className, cx, cy, r: 2.5 }));
    }
    if (filled) {
      const area = lines.map((points) => `M${points[0].split(" ")[0]} ${y(0)}L${points.join("L")}L${points.at(-1).split(" ")[0]} ${y(0)}Z`).join("");
      parts.push(draw("path", { class: className + " area", d: area }));
    }
    parts.push(draw("path", { class: className, d: path }));
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
