// Events as they are decided, the newest first. However fast they come, they are taken up a few times a second, between
// two frames, and no more than so many are kept.

import { stream, get } from "./api.js";
import { button, choice, element, field, notice } from "./element.js";
import { eventList } from "./events.js";
import { onChange } from "./mask.js";
import { change, read } from "./place.js";
import * as words from "./words.js";

const MOST = 2000;
const FIRST = 200;
const AGAIN = 2000;
// Nobody reads faster, and the page has other things to do.
const APART = 100;

let all = [];
let waiting = [];
let paused = false;
let asked = false;
let updated = -Infinity;
let missed = 0;
let connected = false;
let shown = null;
const known = new Map();
const choices = { webhook: new Set(), kind: new Set() };
const followers = new Set();

// Tells whoever shows an event what became of it just now.
export function follow(follower) {
  followers.add(follower);
}

// What is known of an event that was seen live.
export function seen(id) {
  return known.get(id);
}

// Looks on for as long as the page is open.
export async function start() {
  for (;;) {
    const over = new AbortController();
    const reached = () => {
      connected = true;
      shown?.state();
    };
    try {
      await Promise.all([stream("/v1/tap", take, over.signal), before().then(reached)]);
    } catch (error) {
      if (error.status && error.status !== 503) notice(`Live events: ${error.message}`, true);
    } finally {
      over.abort();
    }
    connected = false;
    shown?.state();
    await new Promise(later => setTimeout(later, AGAIN));
  }
}

// What was there before.
async function before() {
  const { events } = await get(`/v1/events?newest=true&limit=${FIRST}`);
  const fresh = events.filter(event => !known.has(event.id));
  fresh.forEach(event => known.set(event.id, event));
  all = [...all, ...fresh].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, MOST);
  forget();
  note(fresh);
  shown?.show(0);
}

function take(told) {
  for (const [name, value] of told) {
    if (name === "event") waiting.push(value);
    if (name === "missed") missed += value.missed;
  }
  // While nobody looks at it, or it is paused, the oldest make room.
  if (waiting.length > MOST) {
    missed += waiting.length - MOST;
    waiting = waiting.slice(-MOST);
  }
  if (asked) return;
  asked = true;
  const wait = updated + APART - performance.now();
  if (wait > 0) setTimeout(() => requestAnimationFrame(update), wait);
  else requestAnimationFrame(update);
}

function update() {
  asked = false;
  updated = performance.now();
  if (paused) {
    shown?.state();
    return;
  }
  const fresh = [];
  for (const event of waiting) {
    const old = known.get(event.id);
    if (old) {
      // Judged again: the row is there.
      for (const name of ["filter", "reason", "count", "clients"]) delete old[name];
      Object.assign(old, event);
    } else {
      known.set(event.id, event);
      fresh.push(event);
    }
    followers.forEach(follower => follower(known.get(event.id)));
  }
  waiting = [];
  note(fresh);
  all = [...fresh.reverse(), ...all];
  forget();
  shown?.show(fresh.length);
}

function forget() {
  all.splice(MOST).forEach(event => known.delete(event.id));
}

// New names become choices; a sender cannot make them without end.
function note(events) {
  for (const event of events) {
    for (const name of ["webhook", "kind"]) {
      if (choices[name].has(event[name]) || choices[name].size >= 100) continue;
      choices[name].add(event[name]);
      shown?.offer(name, event[name]);
    }
  }
}

export function live() {
  const events = eventList("Live events, the newest first");
  const pick = name => choice({ name, on: { change: event => change({ [name]: event.target.value }) } }, [["", `Every ${name}`]]);
  const boxes = { webhook: pick("webhook"), kind: pick("kind") };
  const offer = (name, value) => boxes[name].append(element("option", { value, text: value }));
  for (const name of ["webhook", "kind"]) choices[name].forEach(value => offer(name, value));
  const pausing = button("Pause", () => {
    paused = !paused;
    update();
    state();
  }, { "aria-pressed": "false" });
  const said = element("span", { class: "quiet" });
  const tools = element("div", { class: "tools" }, field("Webhook", boxes.webhook), field("Kind", boxes.kind), pausing, said);
  const root = element("div", { class: "view filled" }, element("h1", { text: "Live" }), tools, events.element);
  let wanted = {};

  function state() {
    pausing.textContent = paused ? `Resume (${words.many(waiting.length, "new event")})` : "Pause";
    pausing.setAttribute("aria-pressed", paused);
    const lost = missed > 0 ? `, ${words.many(missed, "more")} passed unseen` : "";
    said.textContent = connected ? `${words.count(all.length)} shown${lost}` : "connecting…";
  }

  function show(added) {
    const fits = event => (!wanted.webhook || event.webhook === wanted.webhook) && (!wanted.kind || event.kind === wanted.kind);
    const isAll = !wanted.webhook && !wanted.kind;
    // Those that were added are at the front.
    events.show(isAll ? all : all.filter(fits), isAll ? added : all.slice(0, added).filter(fits).length);
    state();
  }

  function place() {
    const said = read().words;
    wanted = { webhook: said.get("webhook"), kind: said.get("kind") };
    for (const name of ["webhook", "kind"]) {
      const value = wanted[name] ?? "";
      // A link may name what was not seen yet.
      if (value && !choices[name].has(value)) {
        choices[name].add(value);
        offer(name, value);
      }
      boxes[name].value = value;
    }
    show(0);
  }

  shown = { show, state, offer };
  const unmask = onChange(events.redraw);
  place();
  return { root, update: place, keys: events.press, focus: events.focus, stop: () => { shown = null; unmask(); events.stop(); } };
}
