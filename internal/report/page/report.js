"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words, ops = data.ops, count = ops.call ? ops.call.length : 0;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const replicaColor = i => css("r" + i % 6);
  const local = text => text.replace(".", words.point); // a number, in the page's language
  const round = x => local(x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(3));
  const seconds = x => local(+(x / 1000).toFixed(6) + "");
  const whole = x => x == null ? "" : String(Math.round(x)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const names = data.replicas.map(url => url.replace(/^http:\/\//, ""));
  const plots = [];

  // A key explains the colours; every plot has one above it.
  function key(root, items) {
    const tools = document.createElement("div"), list = document.createElement("div");
    tools.className = "tools"; list.className = "key";
    for (const [name, color] of items) {
      const item = document.createElement("span"), swatch = document.createElement("i");
      swatch.style.background = `var(--${color})`;
      item.append(swatch, name); list.append(item);
    }
    tools.append(list); root.append(tools);
    return tools;
  }
  const replicaKey = () => names.map((name, i) => [name, "r" + i % 6]);

  function axes(x, y, more = {}) {
    const axis = (label, extra) => ({
      label, stroke: () => css("soft"), labelSize: 18, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
      grid: { stroke: () => css("grid"), width: 1 }, ticks: { stroke: () => css("line"), width: 1 }, ...extra,
    });
    return [axis(x, { size: 34, ...more.x }), axis(y, { size: narrow() ? 44 : 58, values: (_, v) => v.map(whole), ...more.y })];
  }

  const narrow = () => innerWidth < 600;

  // Shaded stretches: the warm-up, and what --annotate names.
  function drawShades(u) {
    const { ctx } = u, { left, top, width, height } = u.bbox, px = devicePixelRatio;
    ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
    ctx.font = `${12 * px}px system-ui, sans-serif`; ctx.textBaseline = "top"; ctx.textAlign = "left";
    data.shades.forEach((s, i) => {
      const a = u.valToPos(s.from, "x", true), b = u.valToPos(s.to, "x", true);
      ctx.globalAlpha = 0.14; ctx.fillStyle = css("warn"); ctx.fillRect(a, top, Math.max(b - a, 2 * px), height);
      ctx.globalAlpha = 1; ctx.fillText(s.label, Math.max(a, left) + 5 * px, top + (5 + i % 4 * 16) * px);
    });
    ctx.restore();
  }

  function add(id, height, make) {
    const root = document.getElementById(id);
    if (!root) return null;
    const plot = { root, u: null };
    const tools = make.key ? key(root, make.key()) : null;
    const tip = document.createElement("div");
    tip.className = "tip";
    const build = () => {
      const options = make.options(plot);
      const u = new uPlot({ width: root.clientWidth, height, legend: { show: false }, ...options }, make.data, root);
      u.root.setAttribute("role", "img");
      u.root.setAttribute("aria-label", root.dataset.alt);
      u.over.append(tip);
      return u;
    };
    plot.tip = text => { tip.textContent = text; tip.style.display = text ? "block" : "none"; };
    plot.place = (x, y) => {
      const w = plot.u.over.clientWidth;
      tip.style.left = Math.max(0, Math.min(x + 14, w - tip.offsetWidth)) + "px";
      tip.style.top = y + (y > 90 ? -tip.offsetHeight - 10 : 18) + "px";
    };
    plot.u = build();
    plots.push(plot);
    if (make.buttons) make.buttons(plot, tools);
    return plot;
  }

  const describe = i => {
    const outcome = ops.outcome[i];
    const how = outcome === 1 ? `seq ${ops.seq[i]} · ${words["answered after"]} ${round(ops.wait[i])} ${words.ms}`
      : `${outcome === 2 ? words.failed : words["stored or not: unknown"]} · ${round(ops.wait[i])} ${words.ms}\n${data.reasons[ops.reason[i]]}`;
    return `${how}\n${words.sent} ${seconds(ops.call[i])} ${words.s} · ${names[ops.replica[i]] ?? ops.replica[i] + 1}\n${words.worker} ${ops.worker[i]}, ${words.request} ${ops.number[i]} · ${data.senders[ops.sender[i]]}`;
  };

  // hover shows the operation nearest to the pointer, as distance measures it.
  const hover = (plot, distance) => u => {
    const { left, top } = u.cursor;
    if (left < 0) return plot.tip("");
    let best = -1, least = 14;
    for (let i = 0; i < count; i++) {
      const d = distance(u, i, left, top);
      if (d < least) { least = d; best = i; }
    }
    plot.tip(best < 0 ? "" : describe(best));
    if (best >= 0) plot.place(left, top);
  };
  const outcomeKey = () => {
    const items = replicaKey();
    if (ops.outcome?.includes(2)) items.push([words.failed, "bad"]);
    if (ops.outcome?.includes(0)) items.push([words.unknown, "warn"]);
    if (data.violations.length) items.push([words.violation, "bad"]);
    return items;
  };

  // The frontier plot: one bar per operation, from call to return.
  function frontier(id, range) {
    const end = i => ops.call[i] + ops.wait[i];
    const draw = u => {
      const { ctx } = u, { left, top, width, height } = u.bbox, px = devicePixelRatio;
      const x = v => u.valToPos(v, "x", true), y = v => u.valToPos(v, "y", true);
      const thick = Math.min(9 * px, Math.max(1.3 * px, Math.abs(y(1) - y(2)) * 0.62));
      drawShades(u);
      ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
      const bar = (a, b, seq, color, alpha, dashed) => {
        ctx.globalAlpha = alpha; ctx.strokeStyle = color; ctx.lineWidth = dashed ? Math.max(1.5 * px, thick / 2) : thick;
        ctx.setLineDash(dashed ? [4 * px, 3 * px] : []);
        ctx.beginPath(); ctx.moveTo(x(a), y(seq)); ctx.lineTo(Math.max(x(b), x(a) + px), y(seq)); ctx.stroke();
      };
      const colors = data.replicas.map((_, i) => replicaColor(i)), alpha = thick > 3 * px ? 0.9 : 0.55;
      for (let i = 0; i < count; i++) if (ops.outcome[i] === 1 && ops.seq[i] > 0) bar(ops.call[i], end(i), ops.seq[i], colors[ops.replica[i]] ?? css("soft"), alpha);
      for (let i = 0; i < count; i++) if (ops.outcome[i] !== 1 && ops.seq[i] > 0) {
        const color = css(ops.outcome[i] === 2 ? "bad" : "warn");
        bar(ops.call[i], end(i), ops.seq[i], color, 1, true);
        ctx.setLineDash([]); ctx.fillStyle = color; ctx.font = `bold ${13 * px}px system-ui, sans-serif`; ctx.textBaseline = "middle"; ctx.textAlign = "left";
        ctx.fillText(ops.outcome[i] === 2 ? "×" : "?", Math.min(x(end(i)), left + width - 12 * px) + 2 * px, y(ops.seq[i]));
      }
      ctx.setLineDash([]); ctx.globalAlpha = 1;
      const red = css("bad");
      for (const v of data.violations) {
        ctx.strokeStyle = ctx.fillStyle = red;
        for (const [a, b, seq] of v.ops) { bar(a, b, seq, red, 1); ctx.beginPath(); ctx.arc(x(b), y(seq), 3.5 * px, 0, 7); ctx.fill(); }
        ctx.lineWidth = 1.5 * px;
        if (v.ops.length > 1) { ctx.beginPath(); ctx.moveTo(x(v.ops[0][1]), y(v.ops[0][2])); ctx.lineTo(x(v.ops[1][0]), y(v.ops[1][2])); ctx.stroke(); }
        if (v.ops.length && v.seq > 0) { // where in the log it shows
          ctx.beginPath(); ctx.arc(x(v.ops[0][1]), y(v.seq), 7 * px, 0, 7); ctx.stroke();
        }
      }
      ctx.restore();
    };
    const last = Math.max(...ops.call.map((_, i) => end(i))), high = Math.max(...ops.seq);
    const all = { x: [-last * 0.01, last * 1.01], y: [0, high + 1] };
    const low = Math.min(...ops.seq.filter(s => s > 0));
    all.y = [low - Math.max(1, (high - low) * 0.02), high + Math.max(1, (high - low) * 0.02)];
    const set = (plot, r) => plot.u.batch(() => { plot.u.setScale("x", { min: r.x[0], max: r.x[1] }); plot.u.setScale("y", { min: r.y[0], max: r.y[1] }); });
    const distance = (u, i, left, top) => {
      const a = u.valToPos(ops.call[i], "x"), b = u.valToPos(end(i), "x"), dy = Math.abs(u.valToPos(ops.seq[i], "y") - top);
      return dy + (left < a ? a - left : left > b ? left - b : 0);
    };
    return add(id, 440, {
      key: outcomeKey, data: [[all.x[0], all.x[1]], [all.y[0], all.y[1]]],
      options: plot => ({
        cursor: { drag: { x: true, y: true, uni: 20 }, points: { show: false }, y: true },
        scales: { x: { time: false, range: (_, min, max) => [min, max] }, y: { range: (_, min, max) => [min, max] } },
        axes: axes(words["time, s"], words.seq, { x: { values: (_, v) => v.map(seconds) }, y: { incrs: [1, 2, 5].flatMap(k => [...Array(9)].map((_, i) => k * 10 ** i)).sort((a, b) => a - b) } }),
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [draw], setCursor: [hover(plot, distance)], ready: [u => setTimeout(() => plot.show(plot.range ?? range ?? all))] },
      }),
      buttons: (plot, tools) => {
        plot.show = r => { plot.range = r; set(plot, r); };
        const scaled = (k, dx) => () => {
          const s = plot.u.scales, w = s.x.max - s.x.min, h = s.y.max - s.y.min;
          const cx = s.x.min + w * (0.5 + dx), cy = s.y.min + h * (0.5 + dx);
          plot.show({ x: [cx - w * k / 2, cx + w * k / 2], y: [cy - h * k / 2, cy + h * k / 2] });
        };
        for (const [text, name, act] of [["←", words.earlier, scaled(1, -0.4)], ["→", words.later, scaled(1, 0.4)], ["+", words.closer, scaled(0.5, 0)], ["−", words.farther, scaled(2, 0)], [words.all, words.all, () => plot.show(all)]]) {
          const b = document.createElement("button");
          b.type = "button"; b.textContent = text; b.title = name; b.setAttribute("aria-label", name); b.onclick = act; tools.append(b);
        }
        plot.u.over.addEventListener("dblclick", () => plot.show(all));
      },
    });
  }

  // around is the surroundings of operations [call, return, seq].
  function around(list) {
    const a = Math.min(...list.map(o => o[0])), b = Math.max(...list.map(o => o[1]));
    const low = Math.min(...list.map(o => o[2])), high = Math.max(...list.map(o => o[2]));
    const dx = Math.max((b - a) * 0.25, 1), dy = Math.max((high - low) * 0.3, 14);
    return { x: [a - dx, b + dx], y: [Math.max(0, low - dy), high + dy] };
  }

  function drawFrontier() {
    if (!document.getElementById("frontier")) return;
    frontier("frontier");
    let focus = data.violations.find(v => v.ops.length);
    const first = document.querySelector("[data-violation]");
    if (first) focus = data.violations[first.dataset.violation];
    let near = focus?.ops;
    if (!near?.length) {
      let slowest = 0;
      for (let i = 0; i < count; i++) if (ops.seq[i] > 0 && ops.wait[i] > ops.wait[slowest]) slowest = i;
      near = [[ops.call[slowest], ops.call[slowest] + ops.wait[slowest], ops.seq[slowest]]];
    }
    const close = frontier("close", around(near));
    for (const b of document.querySelectorAll("[data-violation]")) b.onclick = () => {
      const v = data.violations[b.dataset.violation];
      if (v?.ops.length) { close.show(around(v.ops)); close.root.scrollIntoView({ block: "center", behavior: "smooth" }); }
    };
  }

  function drawSpectrum() {
    const columns = data.spectrum;
    if (!columns[0]?.length) return;
    const name = x => { const p = 100 * (1 - 1 / x); return x < 1.01 ? "0 %" : local(+p.toFixed(Math.max(0, Math.round(Math.log10(x)) - 2)) + "") + " %"; };
    const shown = columns.length > 3 && columns.length <= 8 ? columns : columns.slice(0, 2); // neither one replica nor many
    add("spectrum", 320, {
      key: () => [[words["all replicas"], "ink"], ...(shown.length > 2 ? replicaKey() : [])], data: shown,
      options: plot => ({
        cursor: { drag: { setScale: false, x: false }, y: false },
        scales: { x: { time: false, distr: 3, range: (_, min, max) => [1, Math.max(max, 10)] }, y: { range: (_, min, max) => [0, max * 1.06 || 1] } },
        axes: axes(words.percentile, words["waited, ms"], { x: { splits: [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7], values: (_, v) => v.map(name), filter: (_, v) => v } }),
        series: [{}, { stroke: () => css("ink"), width: 2.5, points: { show: false } },
          ...shown.slice(2).map((_, i) => ({ stroke: () => replicaColor(i), width: 1.5, points: { show: false } }))],
        hooks: { setCursor: [u => {
          const i = u.cursor.idx;
          if (u.cursor.left < 0 || i == null) return plot.tip("");
          plot.tip(`${name(columns[0][i])}: ${round(columns[1][i])} ${words.ms}`); plot.place(u.cursor.left, u.cursor.top);
        }] },
      }),
    });
  }

  function drawScatter() {
    if (!count) return;
    const draw = u => {
      const { ctx } = u, px = devicePixelRatio, { left, top, width, height } = u.bbox;
      drawShades(u);
      ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
      const colors = data.replicas.map((_, i) => replicaColor(i)), r = (count > 2500 ? 1.3 : 1.8) * px;
      ctx.globalAlpha = count > 2500 ? 0.55 : 0.75;
      let max = -1;
      for (let i = 0; i < count; i++) if (ops.outcome[i] === 1) {
        if (max < 0 || ops.wait[i] > ops.wait[max]) max = i;
        ctx.fillStyle = colors[ops.replica[i]] ?? css("soft");
        ctx.beginPath(); ctx.arc(u.valToPos(ops.call[i], "x", true), u.valToPos(ops.wait[i], "y", true), r, 0, 7); ctx.fill();
      }
      ctx.globalAlpha = 1; ctx.lineWidth = 1.8 * px;
      for (let i = 0; i < count; i++) if (ops.outcome[i] !== 1) {
        const x = u.valToPos(ops.call[i], "x", true), y = u.valToPos(Math.max(ops.wait[i], floor), "y", true), s = 4 * px;
        ctx.strokeStyle = css(ops.outcome[i] === 2 ? "bad" : "warn");
        ctx.beginPath(); ctx.moveTo(x - s, y - s); ctx.lineTo(x + s, y + s); ctx.moveTo(x + s, y - s); ctx.lineTo(x - s, y + s); ctx.stroke();
      }
      if (max >= 0) {
        const x = u.valToPos(ops.call[max], "x", true), y = u.valToPos(ops.wait[max], "y", true);
        ctx.strokeStyle = ctx.fillStyle = css("ink"); ctx.beginPath(); ctx.arc(x, y, 5 * px, 0, 7); ctx.stroke();
        ctx.font = `${12 * px}px system-ui, sans-serif`; ctx.textBaseline = "middle"; ctx.textAlign = x > left + width / 2 ? "right" : "left";
        ctx.fillText(`${words.max} ${round(ops.wait[max])} ${words.ms}`, x + (ctx.textAlign === "right" ? -10 : 10) * px, y);
      }
      ctx.restore();
    };
    const floor = Math.max(0.01, Math.min(...ops.wait.filter(w => w > 0)));
    // uPlot finds no end of ticks from 0.0968 on, for one: the lowest is a power of ten or a multiple.
    const below = x => { const power = 10 ** Math.floor(Math.log10(x)); return +(Math.floor(x / power) * power).toPrecision(1); };
    const nice = (_, min, max) => [below(Math.max(min, floor) * 0.8), max * 1.35];
    const order = ops.call.map((_, i) => i); // by call already
    add("scatter", 340, {
      key: outcomeKey, data: [order.map(i => ops.call[i]), order.map(i => Math.max(ops.wait[i], floor))],
      options: plot => ({
        cursor: { drag: { x: true, y: false }, points: { show: false } },
        scales: { x: { time: false }, y: { distr: 3, range: nice } },
        axes: axes(words["time, s"], words["waited, ms"], { x: { values: (_, v) => v.map(seconds) }, y: { values: (_, v) => v.map(x => x == null ? "" : local(+x.toPrecision(3) + "")) } }),
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [draw], setCursor: [hover(plot, (u, i, left, top) => Math.hypot(u.valToPos(ops.call[i], "x") - left, u.valToPos(Math.max(ops.wait[i], floor), "y") - top))] },
      }),
    });
  }

  function drawThroughput() {
    const [begin, ...perSecond] = data.throughput;
    if (!begin?.length) return;
    const stacked = [];
    perSecond.forEach((column, r) => stacked.push(column.map((v, i) => v + (r ? stacked[r - 1][i] : 0))));
    stacked.reverse(); // the highest is drawn first
    const middle = begin.map(x => x + data.width / 2), last = perSecond.length - 1;
    add("throughput", 300, {
      key: replicaKey, data: [middle, ...stacked],
      options: plot => ({
        cursor: { drag: { x: true, y: false }, y: false, points: { show: false } },
        scales: { x: { time: false, range: (_, min, max) => [Math.min(min, begin[0] + data.width / 2) - data.width / 2, max + data.width / 2] }, y: { range: (_, min, max) => [0, max * 1.08 || 1] } },
        axes: axes(words["time, s"], words["per second"], { x: { values: (_, v) => v.map(seconds) } }),
        series: [{}, ...stacked.map((_, i) => ({ fill: () => replicaColor(last - i), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [1, 100], gap: begin.length * 6 < innerWidth ? 2 : 0 }) }))],
        hooks: { drawAxes: [drawShades], setCursor: [u => {
          const i = u.cursor.idx;
          if (u.cursor.left < 0 || i == null) return plot.tip("");
          plot.tip(`${seconds(begin[i])} ${words.s}\n` + perSecond.map((c, r) => `${names[r]}: ${Math.round(c[i])} ${words["/s"]}`).join("\n")); plot.place(u.cursor.left, u.cursor.top);
        }] },
      }),
    });
  }

  drawFrontier(); drawSpectrum(); drawScatter(); drawThroughput();
  const redraw = () => plots.forEach(p => p.u.redraw(false, true));
  const fit = () => plots.forEach(p => p.u.setSize({ width: p.root.clientWidth, height: p.u.height }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const paper = matchMedia("print");
  paper.addEventListener("change", () => { fit(); redraw(); });
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { if (!paper.matches) fit(); }, 100); });
})();
