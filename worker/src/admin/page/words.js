// How values are written. One function per data-format; `null` is a value nobody has told yet, never a zero.

const counts = new Intl.NumberFormat("en");

/** 1234 as 1,234. */
export const count = (value) => counts.format(value);

/** A duration in milliseconds, to the precision that a person can use. */
export function ms(value) {
  if (value < 1000) return `${value} ms`;
  const seconds = value / 1000;
  return seconds < 100 ? `${seconds.toFixed(seconds < 10 ? 2 : 1)} s` : span(Math.round(seconds));
}

/** Whole seconds as 42 s, 3 min 05 s, 2 h 07 min, 4 d 3 h. */
export function span(value) {
  const [minutes, hours, days] = [60, 3600, 86400].map((unit) => Math.floor(value / unit));
  const two = (number) => String(number).padStart(2, "0");
  if (value < 60) return `${value} s`;
  if (hours < 1) return `${minutes} min ${two(value % 60)} s`;
  if (days < 1) return `${hours} h ${two(minutes % 60)} min`;
  return `${days} d ${hours % 24} h`;
}

/** Whole seconds since something. */
export const ago = (value) => (value < 1 ? "now" : `${span(value)} ago`);

/** A rate per second. */
export const rate = (value) => (value >= 10 || value === 0 ? counts.format(Math.round(value)) : value.toFixed(1));

export const text = String;
export const found = (value) => (value ? "found" : "looked for");
export const breaker = (value) => (value ? "open" : "closed");

/** What a value is written as when nobody has told it. */
export const UNTOLD = "–";

export const OUTCOMES = [
  ["created", "the profile was made"],
  ["already_present", "it was there: a repeat, a reset"],
  ["owner_missing", "it was there, without an owner"],
  ["owner_conflict", "it belongs to somebody else; quarantined"],
  ["rejected", "can never be a profile; quarantined"],
  ["retried", "back to the queue, with a delay"],
  ["released", "back to the queue, unwritten"],
  ["lease_lost", "its time ran out; comes back by itself"],
  ["user_gone", "the user no longer exists"],
  ["ignored", "of a kind that is not wanted"],
];

/** Outcomes that ask a person to look. */
export const BAD = new Set(["owner_missing", "owner_conflict", "rejected"]);

export const CLASSES = {
  throttled: "asked to do less",
  unavailable: "no answer",
  missing: "not there",
  denied: "not permitted",
  refused: "not accepted",
};

/** The shapes of the tones: told apart without colour. */
export const MARKS = {
  working: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z",
  idle: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 2a5 5 0 1 1 0 10A5 5 0 0 1 8 3Z",
  waiting: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 2v10A5 5 0 0 1 8 3Z",
  late: "M8 1 16 15H0Z",
  stopped: "M1 1h14v14H1Z",
};

/** The tones on a tab of either theme. */
export const COLOURS = { working: "#2a9d78", idle: "#71849a", waiting: "#c27a12", late: "#c27a12", stopped: "#d8453a" };
