"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = data.words, ops = data.ops, count = ops.call ? ops.call.length : 0;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const replicaColor = i => css("r" + i % 6);
  const local = text => text.replace(".", words.point); // a number, in the page's language
  const round = x => x >= 1000 ? whole(x) : local(x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(3));
  const seconds = x => local(+(x / 1000).toFixed(6) + "");
  const amount = x => x == null ? "" : x >= 1000 ? whole(x) : local(+x.toPrecision(3) + "");
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

  // The word of the vertical axis stands above it, where no numbers are.
  function axes(x, more = {}) {
    const axis = extra => ({
      stroke: () => css("soft"), labelSize: 18, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
      grid: { stroke: () => css("grid"), width: 1 }, ticks: { stroke: () => css("line"), width: 1 }, ...extra,
    });
    const size = (_, ticks) => gutter(Math.max(...(ticks ?? []).map(t => t.length)));
    return [axis({ label: x, size: 34, ...more.x }), axis({ size, values: (_, v) => v.map(amount), ...more.y })];
  }
  const gutter = characters => Math.max(44, 22 + 7 * characters);

  // Shaded stretches: the warm-up, and what --annotate names. Their
  // labels are written over all else.
  const shades = u => data.shades
    .map(s => { const a = u.valToPos(s.from, "x", true); return { a, b: Math.max(u.valToPos(s.to, "x", true), a + 2 * devicePixelRatio), label: s.label }; })
    .filter(({ a, b }) => b >= u.bbox.left && a <= u.bbox.left + u.bbox.width);
  function drawShades(u) {
    const { ctx } = u, { left, top, width, height } = u.bbox;
    ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
    ctx.globalAlpha = 0.14; ctx.fillStyle = css("warn");
    for (const { a, b } of shades(u)) ctx.fillRect(a, top, b - a, height);
    ctx.restore();
  }
  function drawLabels(u) {
    const { ctx } = u, { left, top, width } = u.bbox, px = devicePixelRatio;
    ctx.save(); ctx.font = `${12 * px}px system-ui, sans-serif`; ctx.textBaseline = "top"; ctx.textAlign = "left";
    ctx.fillStyle = css("warn"); ctx.strokeStyle = css("card"); ctx.lineWidth = 3 * px; ctx.lineJoin = "round";
    shades(u).forEach(({ a, label }, i) => {
      const x = Math.max(left, Math.min(Math.max(a, left) + 5 * px, left + width - ctx.measureText(label).width - 5 * px)), y = top + (5 + i % 4 * 16) * px;
      ctx.strokeText(label, x, y); ctx.fillText(label, x, y);
    });
    ctx.restore();
  }

  const keys = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

  // add draws a plot in the element of this id. Of what it shows, the pointer, a finger or
  // the keys choose one: make.near(u) is what is nearest to the cursor, make.order the order
  // for the keys, make.at(u, i) the rectangle that i has, null if none, and make.tell(i)
  // what a tip tells of it, in lines of [colour, text].
  function add(id, height, make) {
    const root = document.getElementById(id);
    const plot = { root, mark: document.createElement("div"), twin: null }, tip = document.createElement("div");
    plot.tools = key(root, make.key());
    if (make.unit) { const unit = document.createElement("div"); unit.className = "unit"; unit.textContent = make.unit; root.append(unit); }
    const u = plot.u = new uPlot({ width: root.clientWidth, height, legend: { show: false }, ...make.options() }, make.data, root);
    plot.mark.className = "chosen"; tip.className = "tip"; tip.setAttribute("role", "status");
    u.over.append(plot.mark); root.append(tip);
    u.root.tabIndex = 0; u.root.setAttribute("role", "img"); u.root.setAttribute("aria-label", root.dataset.alt);

    // inSight returns the part of i's rectangle that can be seen, null if there is none.
    const inSight = i => {
      const at = make.at(u, i);
      if (!at) return null;
      const [x, y, w, h] = at, left = Math.max(x, 0), top = Math.max(y, 0);
      const width = Math.min(x + w, u.over.clientWidth) - left, height = Math.min(y + h, u.over.clientHeight) - top;
      return width >= 0 && height >= 0 ? { left, top, width, height } : null;
    };
    // place puts the mark around i, or hides it, and returns whether i can be seen.
    plot.place = i => {
      const box = i == null ? null : inSight(i);
      plot.mark.style.display = box ? "block" : "none";
      for (const side in box) plot.mark.style[side] = box[side] + "px";
      return box !== null;
    };
    let chosen = null;
    plot.choose = (i, pointer) => {
      chosen = plot.place(i) ? i : null;
      plot.twin?.place(chosen);
      tip.style.display = chosen == null ? "none" : "block";
      if (chosen == null) return;
      tip.replaceChildren(...make.tell(i).map(([color, text]) => {
        const line = document.createElement("div");
        if (color) { const swatch = document.createElement("i"); swatch.style.background = `var(--${color})`; line.append(swatch); }
        line.append(text); return line;
      }));
      const over = u.over.getBoundingClientRect(), box = root.getBoundingClientRect(), at = plot.mark.getBoundingClientRect();
      const x = over.left - box.left + (pointer?.left ?? at.right - over.left), y = at.top - box.top;
      tip.style.left = Math.max(0, Math.min(x + 14, box.width - tip.offsetWidth)) + "px";
      tip.style.top = (y - tip.offsetHeight - 10 > 0 ? y - tip.offsetHeight - 10 : y + 18) + "px";
    };
    u.hooks.setCursor = [() => plot.choose(u.cursor.left < 0 ? null : make.near(u), u.cursor)];
    u.over.addEventListener("pointermove", e => { if (e.pointerType === "touch") u.setCursor({ left: e.clientX - u.over.getBoundingClientRect().left, top: e.clientY - u.over.getBoundingClientRect().top }); });
    u.root.addEventListener("blur", () => plot.choose(null));
    u.root.addEventListener("keydown", e => {
      if (e.key === "Escape") plot.choose(null);
      if (!(e.key in keys) || e.altKey || e.ctrlKey || e.metaKey) return;
      e.preventDefault();
      const seen = make.order.filter(inSight), from = seen.indexOf(chosen);
      plot.choose(seen[Math.max(0, Math.min(seen.length - 1, (from < 0 && keys[e.key] < 0 ? seen.length : from) + keys[e.key]))]);
    });
    plots.push(plot);
    return plot;
  }

  const end = i => ops.call[i] + ops.wait[i];
  const opColor = i => ops.outcome[i] === 1 ? "r" + ops.replica[i] % 6 : ops.outcome[i] === 2 ? "bad" : "warn";
  const describe = i => [
    [opColor(i), `${names[ops.replica[i]] ?? ops.replica[i] + 1}${ops.outcome[i] === 1 && ops.seq[i] > 0 ? " · seq " + whole(ops.seq[i]) : ""}`],
    [null, ops.outcome[i] === 1 ? `${words["answered after"]} ${round(ops.wait[i])} ${words.ms}`
      : `${ops.outcome[i] === 2 ? words.failed : words["stored or not: unknown"]} · ${round(ops.wait[i])} ${words.ms}\n${data.reasons[ops.reason[i]]}`],
    [null, `${words.sent} ${seconds(ops.call[i])} ${words.s} · ${words.worker} ${ops.worker[i]}, ${words.request} ${ops.number[i]}`],
    [null, data.senders[ops.sender[i]]],
  ];

  // nearest returns a make.near of operations: the one nearest to the cursor, unless it is far away.
  const nearest = at => u => {
    const { left, top } = u.cursor;
    let best = null, least = 60;
    for (let i = 0; i < count; i++) {
      const r = at(u, i);
      if (!r) continue;
      const d = Math.hypot(Math.max(r[0] - left, left - r[0] - r[2], 0), Math.max(r[1] - top, top - r[1] - r[3], 0));
      if (d < least) { least = d; best = i; }
    }
    return best;
  };
  const byCall = Array.from({ length: count }, (_, i) => i); // as they come
  const bySeq = byCall.filter(i => ops.seq[i] > 0).sort((a, b) => ops.seq[a] - ops.seq[b]);

  const outcomeKey = () => {
    const items = replicaKey();
    if (ops.outcome?.includes(2)) items.push([words.failed, "bad"]);
    if (ops.outcome?.includes(0)) items.push([words.unknown, "warn"]);
    if (data.violations.length) items.push([words.violation, "bad"]);
    return items;
  };

  const all = { x: [0, 1], y: [0, 1] }; // what a plot of operations shows at first
  if (count) {
    const last = Math.max(...byCall.map(end));
    all.x = [-last * 0.01, last * 1.01];
  }
  if (bySeq.length) {
    const low = ops.seq[bySeq[0]], high = ops.seq[bySeq.at(-1)], margin = Math.max(1, (high - low) * 0.02);
    all.y = [low - margin, high + margin];
  }
  const seqGutter = gutter(whole(all.y[1]).length);
  const given = (_, min, max) => [min, max];
  const timeAxis = { values: (_, v) => v.map(seconds) };

  // zoomable gives a plot the range r, and buttons that change it.
  function zoomable(plot, r) {
    const { u } = plot;
    plot.show = r => u.batch(() => { u.setScale("x", { min: r.x[0], max: r.x[1] }); u.setScale("y", { min: r.y[0], max: r.y[1] }); });
    const scaled = (k, dx) => () => {
      const part = (s, d) => { const w = s.max - s.min, c = s.min + w * (0.5 + d); return [c - w * k / 2, c + w * k / 2]; };
      plot.show({ x: part(u.scales.x, dx), y: part(u.scales.y, dx) });
    };
    const buttons = document.createElement("div");
    buttons.className = "buttons";
    for (const [text, name, act] of [["←", words.earlier, scaled(1, -0.4)], ["→", words.later, scaled(1, 0.4)], ["+", words.closer, scaled(0.5, 0)], ["−", words.farther, scaled(2, 0)], [words.all, words.all, () => plot.show(all)]]) {
      const b = document.createElement("button");
      b.type = "button"; b.textContent = text; b.title = name; b.setAttribute("aria-label", name); b.onclick = act; buttons.append(b);
    }
    plot.tools.append(buttons);
    u.over.addEventListener("dblclick", () => plot.show(all));
    plot.show(r);
    return plot;
  }

  // The frontier plot: one bar per operation, from call to return, at the height of its seq.
  function frontier(id) {
    const thickness = u => Math.min(9, Math.max(1.3, Math.abs(u.valToPos(1, "y") - u.valToPos(2, "y")) * 0.62));
    const at = (u, i) => {
      if (!(ops.seq[i] > 0)) return null;
      const x = u.valToPos(ops.call[i], "x"), h = thickness(u);
      return [x, u.valToPos(ops.seq[i], "y") - h / 2, Math.max(u.valToPos(end(i), "x") - x, 1), h];
    };
    const draw = u => {
      const { ctx } = u, { left, top, width, height } = u.bbox, px = devicePixelRatio;
      const x = v => u.valToPos(v, "x", true), y = v => u.valToPos(v, "y", true);
      const thick = thickness(u) * px;
      ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
      const bar = (a, b, seq, color, alpha, dashed) => {
        ctx.globalAlpha = alpha; ctx.strokeStyle = color; ctx.lineWidth = dashed ? Math.max(1.5 * px, thick / 2) : thick;
        ctx.setLineDash(dashed ? [4 * px, 3 * px] : []);
        ctx.beginPath(); ctx.moveTo(x(a), y(seq)); ctx.lineTo(Math.max(x(b), x(a) + px), y(seq)); ctx.stroke();
      };
      const colors = data.replicas.map((_, i) => replicaColor(i)), alpha = thick > 3 * px ? 0.9 : 0.55;
      for (let i = 0; i < count; i++) if (ops.outcome[i] === 1 && ops.seq[i] > 0) bar(ops.call[i], end(i), ops.seq[i], colors[ops.replica[i]] ?? css("soft"), alpha);
      for (let i = 0; i < count; i++) if (ops.outcome[i] !== 1 && ops.seq[i] > 0) {
        const color = css(opColor(i));
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
    return add(id, 440, {
      key: outcomeKey, unit: words.seq, data: [[all.x[0], all.x[1]], [all.y[0], all.y[1]]], order: bySeq, at, near: nearest(at), tell: describe,
      options: () => ({
        cursor: { drag: { x: true, y: true, uni: 20 }, points: { show: false }, y: true },
        scales: { x: { time: false, range: given }, y: { auto: false, range: given } },
        axes: axes(words["time, s"], { x: timeAxis, y: { size: seqGutter, incrs: [1, 2, 5].flatMap(k => [...Array(9)].map((_, i) => k * 10 ** i)).sort((a, b) => a - b) } }),
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { drawAxes: [drawShades], draw: [draw, drawLabels] },
      }),
    });
  }

  // pack puts each of a list of operations into the first row that is free, where span(i)
  // is its [begin, end].
  function pack(list, span) {
    const ends = [];
    const rows = list.map(i => {
      const [from, to] = span(i), free = ends.findIndex(e => e <= from), row = free < 0 ? ends.length : free;
      ends[row] = to;
      return row;
    });
    return { rows, n: Math.max(1, ends.length) };
  }

  // The lanes: the bars in a lane for each replica, those that overlap above each other.
  // They are high enough for the numbers of those in range.
  function lanes(range) {
    const seen = (min, max) => names.map((_, r) => byCall.filter(i => ops.replica[i] === r && end(i) >= min && ops.call[i] <= max));
    const witnesses = new Set(data.violations.flatMap(v => v.ops.map(([call, , seq]) => call + " " + seq)));
    const head = Math.min(20, 400 / names.length), above = data.shades.length ? 4 + 16 * Math.min(4, data.shades.length) : 0; // for labels
    const rows = seen(...range.x).reduce((sum, list) => sum + pack(list, i => [ops.call[i], end(i)]).n, 0);
    const needed = above + head * names.length + Math.min(24 * rows, Math.max(200, 11 * rows));
    let rects = []; // by operation, of those in sight
    const at = (_, i) => rects[i];
    const draw = u => {
      const { ctx } = u, { left, top, width, height } = u.bbox, px = devicePixelRatio, x = v => u.valToPos(v, "x");
      const lists = seen(u.scales.x.min, u.scales.x.max), few = lists.flat().length <= 40;
      const label = i => ops.outcome[i] === 2 ? "×" : ops.outcome[i] === 0 ? "?" : [ops.seq[i] > 0 && (few ? "seq " : "") + whole(ops.seq[i]), few && data.senders[ops.sender[i]]].filter(Boolean).join(" · ");
      const font = (size, weight = "") => { ctx.font = `${weight} ${size * px}px system-ui, sans-serif`; };
      ctx.save(); ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip(); ctx.textBaseline = "middle";
      font(11);
      const span = i => { const from = x(ops.call[i]); return [from, Math.max(x(end(i)), from + 2, few ? from + 8 + ctx.measureText(label(i)).width / px : 0)]; };
      const packed = lists.map(list => pack(list, span));
      const step = Math.min(24, (height / px - above - head * names.length) / packed.reduce((sum, p) => sum + p.n, 0)), thick = Math.max(1, step - (step > 4 ? 1.5 : 0));
      rects = [];
      let y = above; // in points, of the lane
      packed.forEach(({ rows, n }, r) => {
        if (r) { ctx.fillStyle = css("line"); ctx.fillRect(left, top + y * px, width, px); }
        font(Math.min(12, head), "600"); ctx.fillStyle = replicaColor(r); ctx.textAlign = "left"; ctx.fillText(names[r], left + 5 * px, top + (y + head / 2 + 1) * px);
        font(Math.min(11, thick + 1));
        lists[r].forEach((i, k) => {
          const a = x(ops.call[i]), rect = rects[i] = [a, y + head + rows[k] * step, Math.max(x(end(i)) - a - 1, 1), thick];
          const [bx, by, bw, bh] = [left + a * px, top + rect[1] * px, rect[2] * px, thick * px];
          ctx.fillStyle = css(witnesses.has(ops.call[i] + " " + ops.seq[i]) ? "bad" : opColor(i)); ctx.fillRect(bx, by, bw, bh);
          const text = thick < 7 ? "" : label(i), long = ctx.measureText(text).width + 8 * px;
          const from = Math.max(bx, left), to = Math.min(bx + bw, left + width), inside = to - from >= long, before = !inside && to + long > left + width;
          if (!inside && !few) return;
          ctx.fillStyle = css(inside ? "card" : "soft"); ctx.textAlign = before ? "right" : "left";
          ctx.fillText(text, inside ? from + 4 * px : before ? from - 4 * px : to + 4 * px, by + bh / 2 + px / 2);
        });
        y += head + n * step;
      });
      ctx.restore();
    };
    return add("lanes", Math.min(needed, innerWidth < 600 ? 600 : 760) + 70, {
      key: outcomeKey, data: [all.x, [0, 1]], order: bySeq.length ? bySeq : byCall, at, near: nearest(at), tell: describe,
      options: () => ({
        cursor: { drag: { x: true, y: false }, points: { show: false }, y: false },
        scales: { x: { time: false, range: given }, y: { range: [0, 1] } },
        axes: axes(words["time, s"], { x: timeAxis, y: { size: seqGutter, splits: () => [] } }),
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { drawAxes: [drawShades], draw: [draw, drawLabels] },
      }),
    });
  }

  const within = ([min, max], a, b) => [Math.max(a, min), Math.min(b, max)];

  // around is the surroundings of operations [call, return, seq].
  function around(list) {
    const a = Math.min(...list.map(o => o[0])), b = Math.max(...list.map(o => o[1]));
    const low = Math.min(...list.map(o => o[2])), high = Math.max(...list.map(o => o[2]));
    const dx = Math.max((b - a) * 0.25, 1), dy = Math.max((high - low) * 0.3, 24);
    return { x: within(all.x, a - dx, b + dx), y: within(all.y, low - dy, high + dy) };
  }

  // The closer look: the frontier around a contradiction or the slowest operation, and the
  // lanes of the same stretch of time.
  function drawOperations() {
    if (!count) return;
    if (!bySeq.length) {
      return zoomable(lanes(all), all);
    }
    zoomable(frontier("frontier"), all);
    const first = document.querySelector("[data-violation]");
    let near = (first ? data.violations[first.dataset.violation] : data.violations.find(v => v.ops.length))?.ops;
    if (!near?.length) {
      const slowest = bySeq.reduce((a, b) => ops.wait[b] > ops.wait[a] ? b : a);
      near = [[ops.call[slowest], end(slowest), ops.seq[slowest]]];
    }
    const close = frontier("close"), lower = lanes(around(near));
    const follow = (from, to) => from.u.hooks.setScale = [(u, scale) => {
      const { min, max } = u.scales.x, x = to.u.scales.x;
      if (scale === "x" && (x.min !== min || x.max !== max)) to.u.setScale("x", { min, max });
    }];
    follow(close, lower); follow(lower, close);
    close.twin = lower; lower.twin = close;
    lower.u.over.addEventListener("dblclick", () => close.show(all));
    zoomable(close, around(near));
    for (const b of document.querySelectorAll("[data-violation]")) b.onclick = () => {
      const v = data.violations[b.dataset.violation];
      if (v?.ops.length) { close.show(around(v.ops)); close.root.scrollIntoView({ block: "center", behavior: "smooth" }); }
    };
  }

  function drawSpectrum() {
    const columns = data.spectrum;
    if (!columns[0]?.length) return;
    const name = x => { const p = 100 * (1 - 1 / x); return x < 1.01 ? "0 %" : local(+p.toFixed(Math.max(0, Math.round(Math.log10(x)) - 2)) + "") + " %"; };
    const points = { show: columns[0].length < 2 };
    const shown = columns.length > 3 && columns.length <= 8 ? columns : columns.slice(0, 2); // neither one replica nor many
    add("spectrum", 320, {
      unit: words["waited, ms"], order: [...columns[0].keys()], near: u => u.cursor.idx,
      at: (u, i) => [u.valToPos(columns[0][i], "x") - 4, u.valToPos(columns[1][i], "y") - 4, 8, 8],
      tell: i => [[null, name(columns[0][i])], ...shown.slice(1).flatMap((c, r) => c[i] == null ? [] : [[r ? "r" + (r - 1) % 6 : "ink", `${r ? names[r - 1] : words["all replicas"]}: ${round(c[i])} ${words.ms}`]])],
      key: () => [[words["all replicas"], "ink"], ...(shown.length > 2 ? replicaKey() : [])], data: shown,
      options: () => ({
        cursor: { drag: { setScale: false, x: false }, points: { show: false }, y: false },
        scales: { x: { time: false, distr: 3, range: (_, min, max) => [1, Math.max(max, 10)] }, y: { range: (_, min, max) => [0, max * 1.06 || 1] } },
        axes: axes(words.percentile, { x: { splits: u => [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter(v => v <= u.scales.x.max && (v !== 2 || u.valToPos(2, "x") > 44)), values: (_, v) => v.map(name), filter: (_, v) => v } }),
        series: [{}, { stroke: () => css("ink"), width: 2.5, points },
          ...shown.slice(2).map((_, i) => ({ stroke: () => replicaColor(i), width: 1.5, points }))],
      }),
    });
  }

  function drawScatter() {
    if (!count) return;
    const draw = u => {
      const { ctx } = u, px = devicePixelRatio, { left, top, width, height } = u.bbox;
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
        ctx.strokeStyle = css(opColor(i));
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
    const at = (u, i) => [u.valToPos(ops.call[i], "x") - 4, u.valToPos(Math.max(ops.wait[i], floor), "y") - 4, 8, 8];
    add("scatter", 340, {
      key: outcomeKey, unit: words["waited, ms"], data: [ops.call, ops.wait.map(w => Math.max(w, floor))], order: byCall, at, near: nearest(at), tell: describe,
      options: () => ({
        cursor: { drag: { x: true, y: false }, points: { show: false } },
        scales: { x: { time: false }, y: { distr: 3, range: nice } },
        axes: axes(words["time, s"], { x: timeAxis }),
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { drawAxes: [drawShades], draw: [draw, drawLabels] },
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
    const total = i => perSecond.reduce((sum, c) => sum + c[i], 0);
    add("throughput", 300, {
      unit: words["per second"], order: [...begin.keys()], near: u => u.cursor.idx,
      at: (u, i) => { const x = u.valToPos(begin[i], "x"), y = u.valToPos(total(i), "y"); return [x, y, u.valToPos(begin[i] + data.width, "x") - x, u.over.clientHeight - y]; },
      tell: i => [[null, [begin[i], begin[i] + data.width].map(x => local((x / 1000).toFixed(3))).join(" – ") + ` ${words.s}`],
        ...(perSecond.length > 1 && perSecond.length <= 8 ? perSecond.map((c, r) => ["r" + r % 6, `${names[r]}: ${whole(c[i])} ${words["/s"]}`]) : []),
        ["", `${words["all replicas"]}: ${whole(total(i))} ${words["/s"]}`]],
      key: replicaKey, data: [middle, ...stacked],
      options: () => ({
        cursor: { drag: { x: true, y: false }, y: false, points: { show: false } },
        scales: { x: { time: false, range: (_, min, max) => [Math.min(min, begin[0] + data.width / 2) - data.width / 2, max + data.width / 2] }, y: { range: (_, min, max) => [0, max * 1.08 || 1] } },
        axes: axes(words["time, s"], { x: timeAxis }),
        series: [{}, ...stacked.map((_, i) => ({ fill: () => replicaColor(last - i), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [1, 100], gap: begin.length * 6 < innerWidth ? 2 : 0 }) }))],
        hooks: { drawAxes: [drawShades], draw: [drawLabels] },
      }),
    });
  }

  drawOperations(); drawSpectrum(); drawScatter(); drawThroughput();
  const redraw = () => plots.forEach(p => p.u.redraw(true, true));
  const fit = () => {
    for (const p of plots) { p.choose(null); p.u.setSize({ width: p.root.clientWidth, height: p.u.height }); }
    for (const area of document.querySelectorAll(".scroll")) area.tabIndex = area.scrollWidth > area.clientWidth ? 0 : -1;
  };
  fit();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const paper = matchMedia("print");
  paper.addEventListener("change", () => { fit(); redraw(); });
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { if (!paper.matches) fit(); }, 100); });
})();
