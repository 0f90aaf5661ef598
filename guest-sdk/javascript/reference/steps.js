/** The steps that a message may name; each reports a line. */

import { abort, clients, clock, config, decode, encode, fromHex, Fault, kv } from "postern-filter";
import { log, metrics, outbox, signing, toHex } from "postern-filter";
import { integer, integers, selector } from "./arguments.js";

/** Takes the steps `/do/0`, `/do/1`, …, and gives what they report, a line each. */
export function report(message, sender) {
  const lines = [];
  for (;;) {
    const part = (name) => message.pointer(`/do/${lines.length}/${name}`);
    const operation = part("op");
    if (operation === undefined) return lines.join("\n");
    lines.push(line(() => take(operation, ["a", "b", "c", "d"].map(part), message, sender)));
  }
}

/** What a step came to. A fault of kv or signing is its name; any other error is the call's. */
function line(step) {
  try {
    return shown(step());
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

function shown(value) {
  if (value === undefined) return "none";
  if (value instanceof Uint8Array) return decode(value);
  return Array.isArray(value) ? value.join(",") : String(value);
}

const ok = (_) => "ok";

function take(operation, [a, b, c, d], message, sender) {
  switch (operation) {
    case "id":
    case "source":
    case "received":
    case "format":
    case "size":
      return message[operation];
    case "data":
      return message.data();
    case "read":
      return message.read(integer(a), integer(b));
    case "json":
      return message.pointer(a);
    case "header":
      return message.headerBytes(a);

    case "config":
      return config.get(a);
    case "config-json":
      return JSON.stringify(config.json());
    case "enabled":
      return log.enabled(a);
    case "log":
      return ok(log.write(a, b, c === undefined ? {} : { [c]: d ?? "" }));
    case "count":
      return ok(metrics.count(a, integer(b)));
    case "gauge":
      return ok(metrics.gauge(a, Number(b)));
    case "observe":
      return ok(metrics.observe(a, Number(b)));
    case "now":
      return clock.now();
    case "monotonic": {
      const first = clock.monotonic();
      return clock.monotonic() < first ? "back" : "ok";
    }

    case "kv-get":
      return kv.get(a);
    case "kv-set":
      return ok(kv.set(a, b ?? "", { ttl: integer(c) }));
    case "kv-add":
      return kv.add(a, b, { ttl: integer(c) });
    case "kv-increment":
      return kv.increment(a, integer(b), { ttl: integer(c) });
    case "kv-swap":
      return kv.swap(a, b, c);
    case "kv-delete":
      return ok(kv.delete(a));
    case "kv-keys":
      return kv.keys({ prefix: a, after: b, limit: integer(c) });
    case "sign":
      return toHex(signing.sign(a, b, c ?? ""));
    case "verify":
      return signing.verify(a, b, c ?? "", fromHex(d) ?? new Uint8Array());

    case "clients-count":
      return clients.count(selector(a));
    case "clients-find":
      return clients.find(selector(a), integer(b));
    case "client":
      return described(clients.get(integer(a)));
    case "sender":
      return described(sender);
    case "label":
      return ok(clients.addLabel(integer(a), b, c));
    case "unlabel":
      return ok(clients.removeLabel(integer(a), b, c));
    case "disconnect":
      return ok(clients.disconnect(integer(a), integer(b), c));
    case "pong":
      return ok(clients.pong(integer(a), b));
    case "send":
      return ok(outbox.send(selector(a), b ?? "", { except: integers(c) }));
    case "send-binary":
      return ok(outbox.send(selector(a), encode(b ?? ""), { except: integers(c) }));

    case "loop":
      for (;;);
    case "trap":
      return abort("told to trap");
    case "grow":
      return ok(grow(integer(a)));
    case "recurse":
      return recurse(0);
  }
  throw new Error(`no such step: ${operation}`);
}

function described(client) {
  if (!client) return undefined;
  const labels = client.labels().map(({ key, value }) => `${key}=${value}`);
  return [client.subject ?? "none", client.label("room") ?? "none", labels, client.address, client.since].join("|");
}

/** Allocates, and touches every page of it. */
function grow(mebibytes) {
  const pages = new Uint8Array(mebibytes * 2 ** 20);
  for (let at = 0; at < pages.length; at += 4096) pages[at] = 1;
  return pages.length;
}

const recurse = (depth) => 1 + recurse(depth + 1);
