/**
 * The gateway as a test meets it: values in memory in the place of handles and imports, all of it as the interface says it.
 *
 * What a test arranges through `testing.js` is kept for its file, which `node --test` gives a process of its own. Where the
 * gateway ends a call for breaking a rule, this throws: such a filter fails its test.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { who } from "./verdicts.js";

export const NAMES = ["trace", "debug", "info", "warn", "error"];

/** What the test has arranged, and what the filter has done. */
export const state = {};

/** Forgets it all. */
export function reset() {
  Object.assign(state, {
    config: {},
    now: undefined,
    level: "trace",
    lines: [],
    clients: new Map(),
    wanted: fresh(),
    sent: [],
    disconnected: [],
    pongs: [],
    kept: new Map(),
    full: false,
    metrics: new Map(),
    secrets: new Map(),
  });
}

/** What a call wants done when it has returned: what it asked of clients before its first send, its sends, and the rest. */
export const fresh = () => ({ before: [], sent: [], after: [] });

reset();

/** What becomes of a call that breaks a rule of the gateway's. */
export function breach(what) {
  throw new Error(`the gateway ends this call: ${what}`);
}

export function trap(words) {
  breach(`it aborted: ${words}`);
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export const config = {
  get: (key) => (Object.hasOwn(state.config, key) ? asText(state.config[key]) : null),
  json: () => JSON.stringify(state.config),
};

export const log = {
  enabled: (level) => NAMES.indexOf(level) >= NAMES.indexOf(state.level),
  write(level, text, fields) {
    if (!log.enabled(level)) return;
    state.lines.push({ level, text, fields: Object.fromEntries(fields.map(({ key, value }) => [key, value])) });
  },
};

export const clock = {
  now: () => state.now ?? Date.now(),
  monotonic: () => Math.round(performance.now() * 1e6),
};

function note(name, kind, first, change) {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) {
    breach(`the metric name "${name}": a name is at most 64 lower-case letters, digits and _, and begins with a letter`);
  }
  const metric = state.metrics.get(name) ?? { kind, value: first };
  if (metric.kind !== kind) breach(`the metric ${name} is a ${metric.kind}, not a ${kind}`);
  state.metrics.set(name, { kind, value: change(metric.value) });
}

export const metrics = {
  count: (name, by) => note(name, "counter", 0, (count) => count + by),
  gauge: (name, value) => note(name, "gauge", 0, () => value),
  observe: (name, value) => note(name, "histogram", [], (values) => [...values, value]),
};

const equal = (one, other) => one?.length === other?.length && (!one || one.every((byte, at) => byte === other[at]));
const expiry = (ttl) => (ttl === null ? undefined : clock.now() + ttl);

function live() {
  for (const [key, kept] of state.kept) if (kept.expiry <= clock.now()) state.kept.delete(key);
  return state.kept;
}

function put(key, value, expiry) {
  if (state.full) throw "full";
  live().set(key, { value: Uint8Array.from(value), expiry });
}

export const kv = {
  get: (key) => live().get(key)?.value.slice() ?? null,
  set: (key, value, ttl) => put(key, value, expiry(ttl)),
  add(key, value, ttl) {
    if (live().has(key)) return false;
    put(key, value, expiry(ttl));
    return true;
  },
  increment(key, by, ttl) {
    const found = live().get(key);
    const text = found ? new TextDecoder().decode(found.value) : "0";
    if (!/^[+-]?\d+$/.test(text)) throw "not-a-number";
    const number = Number(text) + by;
    put(key, new TextEncoder().encode(String(number)), found ? found.expiry : expiry(ttl));
    return number;
  },
  swap(key, old, replacement) {
    const found = live().get(key);
    if (!equal(found?.value, old ?? undefined)) return false;
    if (replacement) put(key, replacement, found?.expiry);
    else state.kept.delete(key);
    return true;
  },
  delete: (key) => void live().delete(key),
  keys(prefix, after, limit) {
    const keys = [...live().keys()].filter((key) => key.startsWith(prefix) && (after === null || key > after));
    return keys.sort().slice(0, limit);
  },
};

function hmac(secret, algorithm, data) {
  if (!state.secrets.has(secret)) throw "no-such-secret";
  return new Uint8Array(createHmac(algorithm.slice("hmac-".length), state.secrets.get(secret)).update(data).digest());
}

export const signing = {
  sign: hmac,
  verify(secret, algorithm, data, signature) {
    const right = hmac(secret, algorithm, data);
    return right.length === signature.length && timingSafeEqual(right, signature);
  },
};

/** The clients that a selector chooses, longest connected first. */
export function chosen({ tag, val }) {
  const has = (client) => ({ key, value }) => client.carried.some((label) => label.key === key && label.value === value);
  return [...state.clients.values()].filter((client) => {
    if (tag === "everyone") return true;
    if (tag === "clients") return val.includes(client.id());
    return tag === "any-label" ? val.some(has(client)) : val.every(has(client));
  });
}

export const outbox = {
  send: (to, except, payload) => void state.wanted.sent.push({ to, except, payload }),
};

function want(change) {
  (state.wanted.sent.length ? state.wanted.after : state.wanted.before).push(change);
}

export const clients = {
  count: (among) => chosen(among).length,
  find: (among, limit) => chosen(among).slice(0, limit).map((client) => client.id()),
  get: (id) => state.clients.get(id) ?? null,
  addLabel(id, label) {
    const size = (text) => new TextEncoder().encode(text).length;
    if (!label.key || size(label.key) > 128 || size(label.value) > 1024) {
      breach("a label whose key is empty or over 128 bytes, or whose value is over 1024");
    }
    want({ id, add: label });
  },
  removeLabel: (id, label) => want({ id, remove: label }),
  disconnect(id, { code, reason }) {
    const allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    if (!allowed) breach(`the close code ${code}, which a server may not send`);
    want({ id, disconnect: { code, reason } });
  },
  pong(id, data) {
    if (data.length > 125) breach(`a pong of ${data.length} bytes, of the 125 it may have`);
    want({ id, pong: data });
  },
};

/** Does what a call wants done. What it wants of clients that are gone is passed over. */
export function follow() {
  const { before, sent, after } = state.wanted;
  state.wanted = fresh();
  before.forEach(apply);
  for (const { to, except, payload } of sent) {
    const reached = chosen(to).map((client) => client.id()).filter((id) => !except.includes(id));
    const { format, data } = payload;
    state.sent.push({ to: said(to), except, format, data, text: new TextDecoder().decode(data), reached });
  }
  after.forEach(apply);
}

/** A selector, as the filter said it. */
function said({ tag, val }) {
  if (tag === "everyone") return who.everyone;
  if (tag === "clients") return who.clients(val);
  return tag === "any-label" ? who.anyLabel(val) : who.allLabels(val);
}

function apply({ id, add, remove, disconnect, pong }) {
  const client = state.clients.get(id);
  if (!client) return;
  const same = (one) => (other) => one.key === other.key && one.value === other.value;
  if (add && !client.carried.some(same(add))) client.carried.push(add);
  if (remove) client.carried = client.carried.filter((label) => !same(remove)(label));
  if (pong) state.pongs.push({ id, data: pong });
  if (disconnect) {
    state.clients.delete(id);
    state.disconnected.push({ id, ...disconnect });
  }
}
