/** What a filter may ask of postern. */

import * as gateway from "#gateway";
import { decode } from "./bytes.js";
import { integer, number, oneOf, optional, string } from "./checks.js";
import { Client } from "./handles.js";
import { keep } from "./held.js";
import { bytes, ids, payload, selector } from "./lower.js";
import { show } from "./show.js";
import { who } from "./verdicts.js";

/** What postern could not do, and why: `code` is `too-large`, `full`, `not-a-number`, `unavailable`, `no-such-secret`. */
export class Fault extends Error {
  constructor(what, code) {
    super(`${what}: ${WORDS[code] ?? code}`);
    this.name = "Fault";
    this.code = code;
  }
}

const WORDS = {
  "too-large": "the key or the value is longer than the operator allows",
  full: "the keyspace is full",
  "not-a-number": "the value there is not a number",
  unavailable: "the store behind it did not answer",
  "no-such-secret": "the operator gave this filter no secret of that name",
};

function attempt(what, act) {
  try {
    return act();
  } catch (fault) {
    const code = typeof fault === "string" ? fault : (fault?.payload ?? fault?.message);
    throw code in WORDS ? new Fault(what, code) : fault;
  }
}

export const config = {
  get: (key) => gateway.config.get(string(key, "the key of a setting")) ?? undefined,
  json: () => JSON.parse(gateway.config.json()),
};

const LEVELS = ["trace", "debug", "info", "warn", "error"];

function write(level, words, fields = {}) {
  const given = Object.entries(fields).map(([key, value]) => ({ key: string(key), value: string(show(value)) }));
  gateway.log.write(level, string(show(words)), given);
}

export const log = {
  enabled: (level) => gateway.log.enabled(oneOf(level, "a level", LEVELS)),
  write: (level, words, fields) => write(oneOf(level, "a level", LEVELS), words, fields),
  trace: (words, fields) => write("trace", words, fields),
  debug: (words, fields) => write("debug", words, fields),
  info: (words, fields) => write("info", words, fields),
  warn: (words, fields) => write("warn", words, fields),
  error: (words, fields) => write("error", words, fields),
};

const metric = (name) => string(name, "the name of a metric");

export const metrics = {
  count: (name, by = 1) => gateway.metrics.count(metric(name), integer(by, "what a counter grows by")),
  gauge: (name, value) => gateway.metrics.gauge(metric(name), number(value, "a gauge")),
  observe: (name, value) => gateway.metrics.observe(metric(name), number(value, "an observation")),
};

export const clock = {
  now: () => gateway.clock.now(),
  monotonic: () => gateway.clock.monotonic(),
};

export const outbox = {
  send(to, body, { except } = {}) {
    gateway.outbox.send(selector(to, "whom the outbox sends to"), ids(except, "except"), payload(body, "what the outbox sends"));
  },
};

const id = (client) => integer(client instanceof Client ? client.id : client, "a client's id");
const label = (key, value) => ({ key: string(key, "the key of a label"), value: string(value, "the value of a label") });

/** As many as postern gives at once. */
const FOUND = 10_000;
const LISTED = 1000;

export const clients = {
  count: (among = who.everyone) => gateway.clients.count(selector(among, "whom clients.count counts")),
  find(among = who.everyone, limit = FOUND) {
    const most = Math.min(integer(limit, "the limit of clients.find"), FOUND);
    return gateway.clients.find(selector(among, "whom clients.find finds"), most);
  },
  get(client) {
    const handle = gateway.clients.get(id(client));
    return handle ? new Client(keep(handle)) : undefined;
  },
  addLabel: (client, key, value) => gateway.clients.addLabel(id(client), label(key, value)),
  removeLabel: (client, key, value) => gateway.clients.removeLabel(id(client), label(key, value)),
  disconnect(client, code = 1000, reason = "") {
    if (integer(code, "a close code") > 65535) throw new TypeError(`there is no close code ${code}`);
    gateway.clients.disconnect(id(client), { code, reason: string(reason, "the reason of a close") });
  },
  pong: (client, data = "") => gateway.clients.pong(id(client), bytes(data, "the data of a pong")),
};

const key = (name) => string(name, "a key of kv");
const ttl = (options) => optional(options?.ttl, "ttl, in milliseconds,", integer);
const value = (given) => bytes(given, "a value of kv");

export const kv = {
  get: (name) => attempt("kv.get", () => gateway.kv.get(key(name)) ?? undefined),
  getText(name) {
    const found = kv.get(name);
    return found && decode(found);
  },
  getJson(name) {
    const found = kv.getText(name);
    return found && JSON.parse(found);
  },
  set: (name, what, options) => attempt("kv.set", () => gateway.kv.set(key(name), value(what), ttl(options))),
  add: (name, what = "", options) => attempt("kv.add", () => gateway.kv.add(key(name), value(what), ttl(options))),
  increment(name, by = 1, options) {
    const step = integer(by, "what kv.increment adds", -Number.MAX_SAFE_INTEGER);
    return attempt("kv.increment", () => gateway.kv.increment(key(name), step, ttl(options)));
  },
  swap(name, old, replacement) {
    const [from, to] = [old, replacement].map((given) => optional(given, "a value of kv", bytes));
    return attempt("kv.swap", () => gateway.kv.swap(key(name), from, to));
  },
  delete: (name) => attempt("kv.delete", () => gateway.kv.delete(key(name))),
  keys({ prefix = "", after, limit = LISTED } = {}) {
    const most = Math.min(integer(limit, "the limit of kv.keys"), LISTED);
    return attempt("kv.keys", () => {
      return gateway.kv.keys(string(prefix, "the prefix of kv.keys"), optional(after, "after", string), most);
    });
  },
};

const ALGORITHMS = ["hmac-sha1", "hmac-sha256", "hmac-sha512"];
const algorithmOf = (given) => oneOf(given, "the algorithm", ALGORITHMS);
const secretOf = (name) => string(name, "the name of a secret");

export const signing = {
  sign(secret, algorithm, data) {
    const given = bytes(data, "what is signed");
    return attempt("signing.sign", () => gateway.signing.sign(secretOf(secret), algorithmOf(algorithm), given));
  },
  verify(secret, algorithm, data, signature) {
    const given = [bytes(data, "what was signed"), bytes(signature, "a signature")];
    return attempt("signing.verify", () => gateway.signing.verify(secretOf(secret), algorithmOf(algorithm), ...given));
  },
};

export function abort(words) {
  log.error(words);
  gateway.trap(words);
}
