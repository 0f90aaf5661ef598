/** What stands in for the gateway when a filter is tested by `node --test`: described in `testing.d.ts`. */

import { NAMES, clock, follow, fresh, reset, state } from "./src/double.js";
import { encode } from "./src/bytes.js";
import { oneOf, string } from "./src/checks.js";
import { Client, Message, Request } from "./src/handles.js";
import { bytes, labels, payload } from "./src/lower.js";

export { reset };

export function message(body, { source = "whatsapp", received = clock.now(), id = 1, headers = {} } = {}) {
  const { format, data } = payload(body, "the body of a message");
  let parsed;
  return new Message({
    id: () => id,
    source: () => source,
    received: () => received,
    format: () => format,
    size: () => data.length,
    data: () => data.slice(),
    read: (offset, length) => data.slice(offset, offset + length),
    json: (pointer) => at((parsed ??= parse(data)), pointer),
    header: (name) => headerOf(headers, name),
  });
}

export function client({ id, subject, labels: given = {}, address = "127.0.0.1:50000", since = clock.now() }) {
  return new Client(handleOf({ id, subject, carried: [...labels(given, "a client")], address, since }));
}

export function connect(given) {
  const { id, subject, labels: carried = {}, address = "127.0.0.1:50000", since = clock.now() } = given;
  const handle = handleOf({ id, subject, carried: [...labels(carried, "a client")], address, since });
  state.clients.set(id, handle);
  return new Client(handle);
}

function handleOf({ id, subject, carried, address, since }) {
  return {
    carried,
    id: () => id,
    subject: () => subject ?? null,
    label(key) {
      return this.carried.find((label) => label.key === key)?.value ?? null;
    },
    labels() {
      return [...this.carried];
    },
    address: () => address,
    since: () => since,
  };
}

export const leave = (id) => void state.clients.delete(id);

export function request({ method = "GET", path = "/", query, headers = {}, address = "127.0.0.1:50000", body = "" } = {}) {
  const data = bytes(body, "the body of a request");
  const params = new URLSearchParams(query);
  return new Request({
    method: () => method,
    path: () => path,
    query: () => query ?? null,
    param: (name) => params.get(name),
    header: (name) => headerOf(headers, name),
    headers: () => Object.entries(headers).map(([name, value]) => ({ name: name.toLowerCase(), value: bytes(value) })),
    address: () => address,
    body: () => data.slice(),
  });
}

export function call(handler) {
  state.wanted = fresh();
  const answer = handler();
  follow();
  return answer;
}

export const configure = (config) => void (state.config = config);
export const stopClock = (at) => void (state.now = typeof at === "number" ? at : Date.parse(string(at, "a time")));
export const logFrom = (level) => void (state.level = oneOf(level, "a level", NAMES));
export const secret = (name, value) => void state.secrets.set(name, typeof value === "string" ? encode(value) : value);
export const fillKv = (full = true) => void (state.full = full);

const taken = (what) => () => state[what].splice(0);
export const logged = taken("lines");
export const sent = taken("sent");
export const disconnected = taken("disconnected");
export const pongs = taken("pongs");
export const metric = (name) => state.metrics.get(name)?.value;

function headerOf(headers, name) {
  const found = Object.entries(headers).find(([known]) => known.toLowerCase() === name.toLowerCase());
  return found ? bytes(found[1]) : null;
}

function parse(data) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
  } catch {
    return undefined;
  }
}

/** RFC 6901. */
function at(json, pointer) {
  if (json === undefined || (pointer && !pointer.startsWith("/"))) return null;
  let value = json;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    if (!isThere || (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key))) return null;
    value = value[key];
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
