// Events as rows of a list, wherever there is one.

import * as mask from "./mask.js";
import { change } from "./place.js";
import { list } from "./list.js";
import * as words from "./words.js";

const PARTS = ["time", "state", "kind", "about", "trail"];
const made = new WeakMap();

export function eventList(label) {
  const open = event => change({ event: event.id });
  return list({ label, parts: PARTS, fill, open });
}

function fill(parts, event, row) {
  const texts = textsOf(event);
  for (const part of PARTS) {
    // Layout is not done again for what has not changed.
    if (parts[part].textContent !== texts[part]) parts[part].textContent = texts[part];
  }
  if (row.dataset.state !== event.state) row.dataset.state = event.state;
}

// Made once for an event, until it is judged again or numbers are shown.
function textsOf(event) {
  const known = made.get(event);
  if (known && known.decided === event.decided && known.state === event.state && known.shown === mask.areShown()) return known;
  const texts = {
    decided: event.decided,
    shown: mask.areShown(),
    time: words.when(event.received),
    state: event.state,
    kind: `${event.webhook} · ${event.kind}`,
    about: mask.number(event.keys.user ?? event.keys.phone_number_id ?? event.keys.waba ?? ""),
    trail: event.trail ? told(event) : mask.text(event.reason ?? ""),
  };
  made.set(event, texts);
  return texts;
}

// Each filter's verdict and time, in a line.
function told(event) {
  const steps = event.trail.map(step => `${step.filter} ${step.verdict.split(":")[0]} ${words.micros(step.micros)}`);
  const clients = event.clients === undefined ? [] : [`→ ${words.many(event.clients, "client")}`];
  return [...clients, ...steps].join(" · ");
}
