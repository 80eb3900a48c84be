// Draws one dashboard in the browser, from the panels' own JSON and what Prometheus answered. It is told apart from Grafana
// on purpose: what it shows are our queries' answers, not how Grafana looks. Fetches nothing.
/* global uPlot, document, window */

const COLOURS = ["#1f60c4", "#d9691a", "#2f7d26", "#c4162a", "#8f3bb8", "#0a8a9c", "#9a7400", "#7a5c3e", "#c2368c", "#4b5563"];
const NAMED = { green: "#2f7d26", orange: "#c25a00", yellow: "#9a7400", red: "#c4162a", blue: "#1f60c4", text: "#24292e" };

function written(value, unit, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const short = (number) => {
    const digits = decimals ?? (Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2);
    return String(Number(number.toFixed(digits)));
  };
  const scaled = (steps) => {
    const [, suffix, size] = steps.map(([from, name, of]) => [from, name, of ?? from]).find(([from]) => Math.abs(value) >= from) ?? steps.at(-1);
    return `${short(value / size)} ${suffix}`;
  };
  if (unit === "percentunit") return `${(value * 100).toFixed(decimals ?? 1)} %`;
  if (unit === "ops") return `${short(value)} /s`;
  if (unit === "s") return value === 0 ? "0 s" : scaled([[7200, "h", 3600], [120, "min", 60], [1, "s"], [0.001, "ms", 0.001]]);
  if (unit === "bytes") return scaled([[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B", 1]]);
  if (unit === "ms") return `${short(value)} ms`;
  return Math.abs(value) >= 10_000 ? scaled([[1e6, "M"], [1e3, "k", 1e3]]) : short(value);
}

/** Distances between marks that read well in a unit; whole minutes between times. */
const MARKS = {
  s: [1, 60, 3600].flatMap((unit) => (unit === 1 ? [0.001, 0.01, 0.1, 1, 10] : [unit]).flatMap((size) => [1, 2, 5, 10, 20, 30].map((n) => n * size))),
  bytes: Array.from({ length: 30 }, (_, power) => 2 ** (10 + power)),
};

/** The colour as on white paper, so that what lies below does not shine through. */
function pale(colour) {
  const part = (from) => Math.round(255 - (255 - Number.parseInt(colour.slice(from, from + 2), 16)) * 0.45);
  return `rgb(${part(1)}, ${part(3)}, ${part(5)})`;
}

function named(legend, metric) {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? "");
}

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function stat(box, panel, answers) {
  const { unit, decimals, mappings, thresholds, noValue } = panel.fieldConfig.defaults;
  const value = Number(answers[0]?.series[0]?.values.at(-1)?.[1] ?? Number.NaN);
  const mapped = mappings?.[0]?.options[String(value)];
  const step = [...thresholds.steps].reverse().find((each) => each.value === null || value >= each.value);
  const shown = element("div", "stat", mapped?.text ?? (Number.isNaN(value) ? noValue : written(value, unit, decimals)));
  shown.style.color = NAMED[mapped?.color ?? step?.color ?? "text"];
  box.append(shown);
}

/** All series of a panel on one axis of time. */
function aligned(answers, span) {
  const times = [];
  for (let at = span.from; at <= span.to; at += span.step) times.push(at);
  const series = answers.flatMap(({ legend, series: found }) =>
    found.map(({ metric, values }) => {
      const byTime = new Map(values.map(([at, value]) => [Math.round((at - span.from) / span.step), Number(value)]));
      const points = times.map((_, index) => {
        const value = byTime.get(index);
        return value === undefined || !Number.isFinite(value) ? null : value;
      });
      return { label: named(legend, metric), points };
    }),
  );
  return { times, series: series.filter((one) => one.points.some((value) => value !== null)) };
}

function chart(box, panel, answers, span) {
  const { unit, custom, thresholds } = panel.fieldConfig.defaults;
  const { times, series } = aligned(answers, span);
  const place = element("div", "plot");
  box.append(place);
  if (!series.length) {
    place.append(element("div", "nothing", "nothing in this time"));
    return;
  }
  const isStacked = custom?.stacking?.mode === "normal";
  let drawn = series.map((one, index) => ({ ...one, colour: COLOURS[index % COLOURS.length] }));
  const legend = drawn;
  if (isStacked) {
    const sums = times.map(() => 0);
    drawn = drawn.map((one) => ({
      ...one,
      points: one.points.map((value, index) => (sums[index] += value ?? 0)),
    }));
    // The highest first, so that those below lie over it.
    drawn = [...drawn].reverse();
  }
  const limit = custom?.thresholdsStyle?.mode === "line" ? thresholds.steps.find((step) => step.color === "red")?.value : undefined;
  const drawLimit = (plot) => {
    if (limit === undefined || limit > plot.scales.y.max) return;
    const y = plot.valToPos(limit, "y", true);
    plot.ctx.save();
    plot.ctx.strokeStyle = NAMED.red;
    plot.ctx.setLineDash([8, 6]);
    plot.ctx.lineWidth = 2;
    plot.ctx.beginPath();
    plot.ctx.moveTo(plot.bbox.left, y);
    plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
    plot.ctx.stroke();
    plot.ctx.restore();
  };
  const highest = Math.max(...drawn.flatMap((one) => one.points.filter((value) => value !== null)));
  const axis = { stroke: "#57606a", grid: { stroke: "#e6e8eb", width: 1 }, ticks: { stroke: "#e6e8eb", width: 1 }, font: "11px Inter, sans-serif" };
  new uPlot(
    {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: [0, highest > 0 ? highest * 1.1 : 1] } },
      axes: [
        { ...axis, space: 60, incrs: [60, 120, 300, 600], values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toISOString().slice(11, 16)) },
        { ...axis, size: 68, space: 32, ...(MARKS[unit] ? { incrs: MARKS[unit] } : {}), values: (_, ticks) => ticks.map((value) => written(value, unit)) },
      ],
      series: [
        {},
        ...drawn.map((one) => ({
          stroke: one.colour,
          width: 1.5,
          fill: isStacked ? pale(one.colour) : `${one.colour}14`,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: { draw: [drawLimit] },
    },
    [times, ...drawn.map((one) => one.points)],
    place,
  );
  const names = element("div", "legend");
  for (const { label, colour } of legend) {
    const name = element("span", "name", label);
    const swatch = element("i", "swatch");
    swatch.style.background = colour;
    name.prepend(swatch);
    names.append(name);
  }
  if (limit !== undefined) names.append(element("span", "limit", `red line: ${written(limit, unit)}`));
  box.append(names);
}

function heatmap(box, panel, answers, span) {
  const place = element("div", "plot");
  box.append(place);
  const unit = panel.options.yAxis.unit;
  const found = answers[0].series
    .map(({ metric, values }) => ({ le: Number(metric.le.replace("+Inf", "Infinity")), values: new Map(values.map(([at, v]) => [Math.round(at - span.from), Number(v)])) }))
    .sort((a, b) => a.le - b.le);
  // Prometheus' buckets hold all below them; each row is what is in it alone.
  const columns = 60;
  const width = (span.to - span.from) / columns;
  const cells = found.map((row, index) =>
    Array.from({ length: columns }, (_, column) => {
      const at = Math.round((column + 1) * width);
      const below = index ? (found[index - 1].values.get(at) ?? 0) : 0;
      return Math.max(0, (row.values.get(at) ?? 0) - below);
    }),
  );
  const most = Math.max(...cells.flat(), 1);
  const canvas = document.createElement("canvas");
  const [w, h] = [place.clientWidth, place.clientHeight];
  canvas.width = w * 2;
  canvas.height = h * 2;
  canvas.style.width = `${w}px`;
  const ink = canvas.getContext("2d");
  ink.scale(2, 2);
  const [left, bottom] = [68, 24];
  const [cw, ch] = [(w - left - 8) / columns, (h - bottom - 4) / found.length];
  cells.forEach((row, index) => {
    const y = h - bottom - (index + 1) * ch;
    row.forEach((value, column) => {
      const shade = value > 0 ? 0.12 + 0.88 * Math.sqrt(value / most) : 0;
      ink.fillStyle = shade ? `rgba(31, 96, 196, ${shade})` : "#f6f7f8";
      ink.fillRect(left + column * cw, y, cw - 1, ch - 1);
    });
    ink.fillStyle = "#57606a";
    ink.font = "11px Inter, sans-serif";
    ink.textAlign = "right";
    ink.fillText(Number.isFinite(found[index].le) ? `≤ ${written(found[index].le, unit)}` : "more", left - 6, y + ch / 2 + 4);
  });
  ink.textAlign = "center";
  for (let part = 0; part <= 4; part += 1) {
    const at = span.from + (part / 4) * (span.to - span.from);
    ink.fillText(new Date(at * 1000).toISOString().slice(11, 16), Math.min(w - 18, left + (part / 4) * (w - left - 8) + (part ? 0 : 14)), h - 6);
  }
  place.append(canvas);
  box.append(element("div", "legend", `darker: more profiles in 15 s, at most ${written(most, "short", 0)}`));
}

function elsewhere(box, panel) {
  const asked = panel.targets.map((target) => {
    const [dimension, values] = Object.entries(target.dimensions)[0];
    return `${target.namespace} · ${target.metricName} · ${dimension}=${values.join()}`;
  });
  const place = element("div", "plot nothing");
  place.append(element("p", "", "Asked of CloudWatch; not executed here:"));
  for (const text of asked) place.append(element("code", "", text));
  box.append(place);
}

window.draw = ({ dashboard, answers, span, note }) => {
  document.body.append(element("h1", "", dashboard.title), element("p", "note", note));
  const grid = element("main");
  document.body.append(grid);
  for (const panel of dashboard.panels) {
    if (panel.type === "row") {
      const heading = element("h2", "", panel.title);
      grid.append(heading);
      continue;
    }
    const box = element("section", panel.type);
    box.style.gridColumn = `span ${panel.gridPos.w}`;
    box.append(element("h3", "", panel.title));
    grid.append(box);
    const own = answers[panel.id];
    if (!own) elsewhere(box, panel);
    else if (panel.type === "stat") stat(box, panel, own);
    else if (panel.type === "heatmap") heatmap(box, panel, own, span);
    else chart(box, panel, own, span);
  }
};
