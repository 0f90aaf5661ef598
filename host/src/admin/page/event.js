// One event: what it is, what each filter said, whom it reached, its body; and to have it judged again.

import { call, post } from "./api.js";
import { button, doing, element, notice, replace, table } from "./element.js";
import { follow, seen } from "./live.js";
import * as mask from "./mask.js";
import { change, link, read } from "./place.js";
import * as words from "./words.js";

const INDENT = "  ";
const FRESH = 5000;
const SOON = 1000;

let place;
let shown = null;
let event = null;
let before = null;

export function start() {
  place = document.getElementById("event");
  mask.onChange(() => { if (event) draw(); });
  follow(told => { if (told.id === shown && event && told.decided !== event.decided) load(told.id); });
}

// Shows the event that the address names, or none.
export function update() {
  const id = read().words.get("event");
  if (id === shown) return;
  if (shown === null) before = document.activeElement;
  [shown, event] = [id, null];
  place.hidden = id === null;
  document.body.classList.toggle("with-event", id !== null);
  if (id === null) {
    place.replaceChildren();
    if (before?.isConnected) before.focus({ preventScroll: true });
    return;
  }
  place.setAttribute("aria-label", `Event ${id}`);
  place.replaceChildren(heading(id), element("p", { text: "Loading…" }));
  place.focus({ preventScroll: true });
  load(id);
}

export function close() {
  change({ event: null });
}

export function isOpen() {
  return shown !== null;
}

async function load(id) {
  try {
    const text = await (await call("GET", `/v1/events/${encodeURIComponent(id)}`)).text();
    if (id !== shown) return;
    event = JSON.parse(text, exact);
    draw();
    // Whom it reaches is known a moment later.
    if (!event.sockets && Date.now() - Date.parse(event.decided) < FRESH) setTimeout(() => { if (id === shown) load(id); }, SOON);
  } catch (error) {
    if (id === shown) place.replaceChildren(heading(id), element("p", { text: error.message }));
  }
}

// A number that JavaScript has no room for stays as it was written.
class Exact {
  constructor(source) {
    this.source = source;
  }
}

function exact(name, value, context) {
  const fits = typeof value !== "number" || !context?.source || String(value) === context.source;
  return fits ? value : new Exact(context.source);
}

function heading(id) {
  const top = element("div", { class: "top" }, element("h2", { text: "Event" }), button("Close", close, { "data-name": "close" }));
  return [top, element("p", {}, element("code", { class: "id", text: id }))];
}

function draw() {
  const known = seen(event.id);
  const live = known && known.decided === event.decided ? known : {};
  const reached = event.sockets;
  const facts = [
    ["State", element("span", { class: "state", "data-state": event.state, text: event.state })],
    ["Webhook", event.webhook],
    ["Kind", event.unparsed ? `${event.kind} (unparsed)` : event.kind],
    ["User", keyed(event.keys.user)],
    ["Phone number id", keyed(event.keys.phone_number_id)],
    ["Account", keyed(event.keys.waba)],
    ["Received", words.day(event.received)],
    ["Decided", event.decided && `${words.day(event.decided)}, ${after(event)} after it was received`],
    ["Held by", event.filter && `${event.filter}: ${mask.text(event.reason)}`],
    ["Duplicate of", event.duplicate_of && element("a", { href: link(read().view, { ...Object.fromEntries(read().words), event: event.duplicate_of }), text: event.duplicate_of })],
    ["For", live.clients !== undefined && `${words.many(live.clients, "client")} connected then`],
    ["Reached", reached && words.many(reached.clients, "client")],
    ["First socket", reached?.first_us !== undefined && `${words.micros(reached.first_us)} after its receipt`],
    ["Last socket", reached?.last_us !== undefined && `${words.micros(reached.last_us)} after its receipt`],
    ["Outbox", event.offset !== undefined && `offset ${event.offset}, ${words.many(event.count, "entry", "entries")}`],
    ["Delivery", event.delivery.items > 1 && `one of ${event.delivery.items}, ${words.bytes(event.delivery.bytes)}, from ${event.delivery.first}`],
    ["Size", words.bytes(event.bytes)],
    ["Content type", event.content_type],
  ];
  const list = element("dl", {}, facts.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", { text: name }), element("dd", {}, value)]));
  const steps = event.trail.map(step => [
    step.filter || "postern",
    mask.text(step.verdict),
    words.micros(step.micros),
    element("code", { text: words.short(step.sha256), title: step.sha256 }),
  ]);
  const trail = steps.length > 0
    ? table("Trail", ["Filter", "Verdict", "Time", "Version"], steps)
    : element("p", { class: "quiet", text: "No filter was asked." });
  const press = (text, verb, path) => button(text, pressed => again(pressed.currentTarget, verb, path), { "data-name": verb });
  const buttons = element("p", { class: "buttons" },
    event.state === "held" ? press("Retry", "Retried", "retry") : null,
    press("Replay", "Replayed", "replay"));
  replace(place, heading(event.id), buttons, list, trail, element("h3", { text: "Body" }), body());
}

function keyed(key) {
  return key && element("code", { text: mask.number(key) });
}

function after({ received, decided }) {
  return words.seconds(Math.max(0, Date.parse(decided) - Date.parse(received)) / 1000);
}

function body() {
  const text = "body" in event ? print(event.body, "", "") : bytes(event.base64);
  return element("pre", { tabindex: 0, role: "region", "aria-label": "Body", text });
}

// JSON with a line for each field; what is a number of somebody's is masked.
function print(value, field, indent) {
  const deeper = indent + INDENT;
  if (value instanceof Exact) return String(mask.value(value.source, field));
  if (Array.isArray(value)) {
    const items = value.map(item => `${deeper}${print(item, field, deeper)}`);
    return items.length === 0 ? "[]" : `[\n${items.join(",\n")}\n${indent}]`;
  }
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value).map(([name, item]) => `${deeper}${JSON.stringify(mask.text(name))}: ${print(item, name, deeper)}`);
    return fields.length === 0 ? "{}" : `{\n${fields.join(",\n")}\n${indent}}`;
  }
  if (typeof value === "string") return JSON.stringify(mask.value(value, field));
  return typeof value === "number" ? String(mask.value(value, field)) : String(value);
}

function bytes(base64) {
  const raw = Uint8Array.from(atob(base64 ?? ""), letter => letter.charCodeAt(0));
  try {
    return mask.text(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch {
    const lines = [];
    for (let at = 0; at < raw.length && at < 4096; at += 16) {
      const line = [...raw.subarray(at, at + 16)].map(byte => byte.toString(16).padStart(2, "0")).join(" ");
      lines.push(`${at.toString(16).padStart(6, "0")}  ${line}`);
    }
    return lines.join("\n") + (raw.length > 4096 ? "\n…" : "");
  }
}

async function again(pressed, verb, path) {
  const id = event.id;
  await doing(pressed, async () => {
    const done = await post(`/v1/events/${path}`, { ids: [id] });
    const became = ["delivered", "dropped", "held"].filter(state => done[state] > 0);
    notice(`${verb}: ${became.join(", ") || "it is not held any more"}`);
    await load(id);
  });
}
