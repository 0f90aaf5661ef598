// Events as rows of a list, wherever there is one.

import * as mask from "./mask.js";
import { change } from "./place.js";
import { list } from "./list.js";
import * as words from "./words.js";

const PARTS = ["time", "state", "kind", "about", "trail"];

export function eventList(label) {
  const open = event => change({ event: event.id });
  return list({ label, parts: PARTS, fill, open });
}

function fill(parts, event, row) {
  set(parts.time, words.when(event.received));
  set(parts.state, event.state);
  set(parts.kind, `${event.webhook} · ${event.kind}`);
  set(parts.about, mask.number(event.keys.user ?? event.keys.phone_number_id ?? event.keys.waba ?? ""));
  set(parts.trail, event.trail ? told(event) : mask.text(event.reason ?? ""));
  if (row.dataset.state !== event.state) row.dataset.state = event.state;
}

// Each filter's verdict and time, in a line.
function told(event) {
  const steps = event.trail.map(step => `${step.filter} ${step.verdict.split(":")[0]} ${words.micros(step.micros)}`);
  const clients = event.clients === undefined ? [] : [`→ ${words.many(event.clients, "client")}`];
  return [...clients, ...steps].join(" · ");
}

// Layout is not done again for what has not changed.
function set(part, text) {
  if (part.textContent !== text) part.textContent = text;
}
