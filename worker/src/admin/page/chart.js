// One small chart: ten minutes of one number, with the ends of both axes labelled. Inline SVG, drawn anew each
// second; a value nobody has told leaves a gap. Its words are in the label of the picture and in the table below it.

import { ago } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WINDOW = 600_000;
const ROOM = { top: 16, bottom: 18, right: 40 };

function add(parent, name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}

/** The end of an axis that has to hold `most`: a round number. */
export function axisEnd(most, least) {
  if (!(most > least)) return least;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * power).find((end) => end >= most);
}

export class Chart {
  /** `of` gives a point's number, `limit` a second one (dashed), `write` and `axis` say how they are written. */
  constructor(figure, { name, of, limit, write, axis = write, least, pick }) {
    Object.assign(this, { name, of, limit, write, axis, least, at: null, points: [] });
    const svg = (this.svg = add(figure, "svg", { role: "img", "aria-label": `${name}: nothing yet` }));
    this.shut = add(svg, "g");
    this.top = add(svg, "line", { class: "top" });
    this.base = add(svg, "line", { class: "axis" });
    this.area = add(svg, "path", { class: "area" });
    this.bound = add(svg, "path", { class: "limit" });
    this.line = add(svg, "path", { class: "line" });
    this.end = add(svg, "circle", { class: "end", r: 3.5 });
    this.most = add(svg, "text");
    this.zero = add(svg, "text");
    this.from = add(svg, "text");
    this.to = add(svg, "text", { "text-anchor": "end" });
    this.zero.textContent = "0";
    this.from.textContent = "10 min ago";
    this.to.textContent = "now";
    this.cursor = add(svg, "line", { class: "cursor" });
    this.read = add(svg, "text", { class: "read", "text-anchor": "end" });
    svg.addEventListener("pointermove", (event) => pick(event.offsetX / (svg.clientWidth - ROOM.right)));
    svg.addEventListener("pointerleave", () => pick(null));
    new ResizeObserver(() => this.draw(this.points)).observe(svg);
  }

  draw(points) {
    this.points = points;
    const [whole, height] = [this.svg.clientWidth, this.svg.clientHeight];
    if (!whole || !points.length) return;
    const width = whole - ROOM.right;
    const [floor, ceiling] = [height - ROOM.bottom, ROOM.top];
    const last = points.at(-1).t;
    const told = points.filter((point) => this.of(point) !== null);
    const values = told.map(this.of);
    const highest = Math.max(...values, 0);
    // The limit is drawn where it is near enough to mean something, and else left to its number.
    const bounds = this.limit ? points.map(this.limit) : [];
    const near = bounds.length > 0 && Math.max(...bounds) <= 4 * highest;
    const end = axisEnd(Math.max(highest, near ? Math.max(...bounds) : 0), this.least);
    const x = (t) => width * (1 - (last - t) / WINDOW);
    const y = (value) => floor - (floor - ceiling) * Math.min(1, value / end);

    this.line.setAttribute("d", path(points, x, (point) => this.of(point), y));
    this.area.setAttribute("d", areas(points, x, this.of, y, floor));
    this.bound.setAttribute("d", near ? path(points, x, this.limit, y) : "");
    const now = points.at(-1);
    this.end.setAttribute("visibility", this.of(now) === null ? "hidden" : "visible");
    place(this.end, { cx: width, cy: y(this.of(now) ?? 0) });
    place(this.base, { x1: 0, x2: width, y1: floor + 0.5, y2: floor + 0.5 });
    place(this.top, { x1: 0, x2: width, y1: ceiling + 0.5, y2: ceiling + 0.5 });
    this.most.textContent = this.axis(end);
    place(this.most, { x: width + 9, y: ceiling + 4 });
    place(this.zero, { x: width + 9, y: floor + 4 });
    place(this.from, { x: 0, y: height - 3 });
    place(this.to, { x: width, y: height - 3 });
    this.shut.replaceChildren();
    for (const [begin, until] of spans(points)) {
      const left = Math.max(0, x(begin));
      const attributes = { x: left, width: Math.max(2, x(until) - left), y: ceiling, height: floor - ceiling };
      add(this.shut, "rect", { ...attributes, fill: "url(#hatch)" });
    }
    this.showCursor(x, width, ceiling, floor);
    this.tell(values, now);
  }

  showCursor(x, width, ceiling, floor) {
    const shown = this.at !== null && this.points.length > 1;
    for (const part of [this.cursor, this.read]) part.setAttribute("visibility", shown ? "visible" : "hidden");
    if (!shown) return;
    const last = this.points.at(-1).t;
    const wanted = last - WINDOW * (1 - this.at);
    const found = this.points.reduce((best, point) => (Math.abs(point.t - wanted) < Math.abs(best.t - wanted) ? point : best));
    const value = this.of(found);
    const left = x(found.t);
    place(this.cursor, { x1: left, x2: left, y1: ceiling, y2: floor });
    place(this.read, { x: width, y: 10 });
    const said = value === null ? "not known" : this.write(value);
    this.read.textContent = `${said}, ${ago(Math.round((last - found.t) / 1000))}`;
  }

  /** The picture in words. */
  tell(values, now) {
    const over = `${this.name} over the last ten minutes: `;
    const current = this.of(now);
    const words = values.length
      ? `${current === null ? "not known" : this.write(current)} now, at least ${this.write(Math.min(...values))}, at most ${this.write(Math.max(...values))}`
      : "nothing yet";
    this.svg.setAttribute("aria-label", over + words);
  }
}

function place(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

/** Stretches of points that have a value. */
function stretches(points, of) {
  const found = [];
  let open = null;
  for (const point of points) {
    if (of(point) === null) open = null;
    else if (open) open.push(point);
    else found.push((open = [point]));
  }
  return found;
}

function path(points, x, of, y) {
  const step = (point, n) => `${n ? "L" : "M"}${x(point.t).toFixed(1)} ${y(of(point)).toFixed(1)}`;
  return stretches(points, of).map((some) => some.map(step).join("")).join("");
}

function areas(points, x, of, y, floor) {
  const close = (some) => `${path(some, x, of, y)}L${x(some.at(-1).t).toFixed(1)} ${floor}L${x(some[0].t).toFixed(1)} ${floor}Z`;
  return stretches(points, of).map(close).join("");
}

/** From when to when nothing was asked for. */
function spans(points) {
  return stretches(points, (point) => (point.open ? 1 : null)).map((some) => [some[0].t, some.at(-1).t]);
}
