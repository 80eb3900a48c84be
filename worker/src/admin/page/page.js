// The status page: puts each sample where it belongs. What is shown is what /status.json says; nothing is worked out
// here that a test could not read there. Must never show an old number as a new one.

import { Chart } from "./chart.js";
import { follow } from "./stream.js";
import * as words from "./words.js";

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
root.classList.add("script");

// ---- theme: as the system says, until the button says otherwise

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
};
function applyTheme() {
  const theme = chosen();
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  $("theme").setAttribute("aria-pressed", String((theme ?? (system.matches ? "dark" : "light")) === "dark"));
}
$("theme").addEventListener("click", () => {
  const dark = $("theme").getAttribute("aria-pressed") === "true";
  try {
    localStorage.setItem("theme", dark ? "light" : "dark");
  } catch {
    // Without storage the choice cannot be kept; the system's stays.
  }
  applyTheme();
});
system.addEventListener("change", applyTheme);
applyTheme();

// ---- text that changes only when it is another

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function fill(element, value, format) {
  const told = value !== null && value !== undefined;
  write(element, told ? words[format](value) : words.UNTOLD);
  element.value = told ? String(value) : "";
}

// ---- rows of a table, kept by name

function rows(body, names, make) {
  for (const row of [...body.children]) if (!names.includes(row.dataset.name)) row.remove();
  names.forEach((name, place) => {
    let row = [...body.children].find((each) => each.dataset.name === name);
    if (!row) {
      row = document.createElement("tr");
      row.dataset.name = name;
      make(row, name);
    }
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
  });
  const table = body.closest("table");
  const none = table.parentElement.querySelector(".none");
  if (none) [table.hidden, none.hidden] = [!names.length, names.length > 0];
}

function cell(row, kind, text, small) {
  const made = document.createElement(kind);
  if (kind === "th") made.scope = "row";
  if (text) made.append(text);
  if (small) {
    const means = document.createElement("small");
    means.className = "means";
    means.textContent = small;
    made.append(means);
  }
  return row.appendChild(made);
}

function field(row, path, format) {
  const made = document.createElement("data");
  made.dataset.field = path;
  made.dataset.format = format;
  cell(row, "td").append(made);
}

function makeOutcome(row, name) {
  const head = cell(row, "th", name.replaceAll("_", " "), words.OUTCOMES.find(([code]) => code === name)[1]);
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.append(document.createElement("i"));
  bar.firstChild.className = words.BAD.has(name) ? "bad" : "";
  head.append(bar);
  field(row, name, "count");
  cell(row, "td").className = "share";
}

rows($("outcomes"), words.OUTCOMES.map(([name]) => name), makeOutcome);

// ---- one sample

const at = (status, path) => path.split(".").reduce((value, key) => value?.[key], status);

function show(status) {
  rows($("quarantined"), Object.keys(status.quarantined), (row, name) => {
    cell(row, "th", name);
    field(row, `quarantined.${name}`, "count");
  });
  rows($("calls"), Object.keys(status.api_calls), (row, name) => {
    cell(row, "th", name);
    field(row, `api_calls.${name}`, "count");
  });
  const errors = status.last_errors ?? [];
  const named = Object.fromEntries(errors.map((error) => [`${error.operation}.${error.class}`, error]));
  rows($("errors"), Object.keys(named), (row, name) => {
    const [operation, kind] = name.split(".");
    cell(row, "th", `${operation}: ${kind}`, words.CLASSES[kind]);
    for (const [key, format] of [["count", "count"], ["seconds_ago", "ago"]]) {
      const made = document.createElement("data");
      made.dataset.error = key;
      made.dataset.format = format;
      cell(row, "td").append(made);
    }
  });
  for (const element of document.querySelectorAll("[data-error]")) {
    fill(element, named[element.closest("tr").dataset.name][element.dataset.error], element.dataset.format);
  }
  for (const element of document.querySelectorAll("[data-field]")) {
    const value = element.dataset.field.startsWith("quarantined.") || element.dataset.field.startsWith("api_calls.")
      ? status[element.dataset.field.split(".")[0]][element.dataset.field.slice(element.dataset.field.indexOf(".") + 1)]
      : at(status, element.dataset.field);
    fill(element, value, element.dataset.format);
    const alarm = { ready: value === false, breaker_open: value === true, dead_letter_messages: value > 0, receives_without_attempt: value > 0 };
    element.classList.toggle("alarm", alarm[element.dataset.field] ?? false);
  }
  showShares(status);
}

function showShares(status) {
  const ended = words.OUTCOMES.reduce((sum, [name]) => sum + status[name], 0);
  for (const row of $("outcomes").children) {
    const value = status[row.dataset.name];
    const share = ended ? (100 * value) / ended : 0;
    row.classList.toggle("nil", value === 0);
    row.querySelector(".bar i").style.setProperty("--share", `${share}%`);
    // A single one among many is not none.
    const text = value && share < 0.1 ? "< 0.1 %" : `${share.toFixed(share > 0 && share < 100 ? 1 : 0)} %`;
    write(row.querySelector(".share"), ended ? text : words.UNTOLD);
  }
}

let told = null;

function headline({ tone, word, sentence, notes }) {
  root.dataset.tone = tone;
  write($("word"), word);
  write($("sentence"), sentence);
  $("mark").setAttribute("d", words.MARKS[tone]);
  const list = $("notes");
  if ([...list.children].map((note) => note.textContent).join("\n") !== notes.join("\n").replaceAll("`", "")) {
    list.replaceChildren(...notes.map(note));
  }
  // Said aloud when it becomes another sentence, and not when its numbers do.
  const said = `${tone} ${sentence.split(/[:\d]/)[0]}`;
  if (told !== said) {
    if (told !== null) write($("announcement"), sentence);
    told = said;
    document.title = `${word} · profile-worker`;
    const shape = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path fill='${words.COLOURS[tone]}' fill-rule='evenodd' d='${words.MARKS[tone]}'/></svg>`;
    document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(shape)}`;
  }
}

/** A line in which backticks enclose what is to be typed. */
function note(text) {
  const line = document.createElement("li");
  text.split("`").forEach((part, place) => {
    line.append(place % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part);
  });
  return line;
}

// ---- charts

const WINDOW = 600_000;
let points = [];
const seconds = (value) => (value < 1000 ? `${value} ms` : value < 60_000 ? `${value / 1000} s` : `${Math.round(value / 60_000)} min`);
const each = [
  ["rate", { name: "Profiles made a second", of: (point) => point.rate, write: words.rate, least: 1 }],
  ["p99", { name: "Confirmation to profile, 99 of 100", of: (point) => point.p99, write: words.ms, axis: seconds, least: 100 }],
  ["hand", { name: "Messages in hand", of: (point) => point.in_flight, limit: (point) => point.permits, write: words.count, least: 10 }],
  ["backlog", { name: "Messages waiting in the queue", of: (point) => point.waiting, write: words.count, least: 10 }],
];
const charts = each.map(([id, what]) => new Chart($(id), { ...what, pick }));

function pick(place) {
  for (const chart of charts) {
    chart.at = place;
    chart.draw(points);
  }
}

function draw() {
  const last = points.at(-1);
  points = points.filter((point) => point.t >= last.t - WINDOW);
  charts.forEach((chart) => chart.draw(points));
  fill($("rate-now"), last.rate, "rate");
  fill($("p99-now"), last.p99, "ms");
  document.querySelector(".legend").classList.toggle("used", points.some((point) => point.open));
  if ($("minutes").open) minutes();
}

/** The charts as a table: each minute's last point. */
function minutes() {
  const last = points.at(-1)?.t ?? 0;
  const found = new Map();
  for (const point of points) found.set(Math.floor((last - point.t) / 60_000), point);
  const told = (value, format) => (value === null ? words.UNTOLD : words[format](value));
  const lines = [...found].sort(([a], [b]) => a - b).slice(0, 10).map(([ago, point]) => {
    const row = document.createElement("tr");
    cell(row, "th", ago === 0 ? "now" : String(ago));
    for (const text of [words.rate(point.rate), told(point.p99, "ms"), words.count(point.in_flight), told(point.waiting, "count")]) cell(row, "td", text);
    return row;
  });
  $("minutes").querySelector("tbody").replaceChildren(...lines);
}
$("minutes").addEventListener("toggle", minutes);

// ---- the stream

let heardAt = null;
let staleness;
const clock = (time) => time.toLocaleTimeString("en-GB");

function stream(state, word) {
  $("stream").dataset.stream = state;
  write($("stream-word"), word);
}

function lost() {
  stream("lost", "Stream lost");
  root.dataset.lost = "";
  $("lost").hidden = false;
  document.title = "Stream lost · profile-worker";
  write($("word"), `Last heard: ${$("word").textContent.toLowerCase()}`);
  const say = () => {
    const since = heardAt
      ? `Everything here is as it was at ${clock(heardAt)}, ${words.ago(Math.round((Date.now() - heardAt) / 1000))}.`
      : "There is nothing to show yet.";
    write($("lost"), `The worker does not answer, or the way to it is cut. ${since} Trying again.`);
  };
  say();
  write($("announcement"), "The stream is lost; the numbers are old.");
  clearInterval(staleness);
  staleness = setInterval(say, 1000);
}

function live() {
  heardAt = new Date();
  if ($("stream").dataset.stream === "live") return;
  clearInterval(staleness);
  if ("lost" in root.dataset) write($("announcement"), "The stream is back.");
  delete root.dataset.lost;
  $("lost").hidden = true;
  stream("live", "Live");
  told = null;
}

follow("events", {
  history({ points: earlier }) {
    points = earlier;
    if (points.length) draw();
  },
  sample(sample) {
    live();
    // The first sample repeats the last point of the history.
    if (points.at(-1)?.t === sample.point.t) points.pop();
    points.push(sample.point);
    show(sample.status);
    headline(sample.headline);
    draw();
  },
  lost,
});
