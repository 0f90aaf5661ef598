// The SDK and its doubles, in Node: `node --test guest-sdk/javascript/tests`. What is built into a component alone is asked of one, in
// tests/e2e/languages/javascript.rs.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as sdk from "../sdk/index.js";
import * as testing from "../sdk/testing.js";
import * as whatsapp from "../sdk/whatsapp.js";
import { admission, choices, httpVerdict, verdict } from "../sdk/src/lower.js";

const { accept, allow, clients, config, deny, drop, kv, log, metrics, outbox } = sdk;
const { pass, respond, rewrite, send, signing, split, who } = sdk;

const utf8 = (text) => new TextEncoder().encode(text);

beforeEach(testing.reset);

test("verdicts are what the interface says", () => {
  const text = (text) => ({ format: "text", data: utf8(text) });
  assert.deepEqual(verdict(pass()), { tag: "pass" });
  assert.deepEqual(verdict(drop()), { tag: "drop", val: null });
  assert.deepEqual(verdict(drop("why")), { tag: "drop", val: "why" });
  assert.deepEqual(verdict(rewrite("é")), { tag: "rewrite", val: text("é") });
  assert.deepEqual(verdict(rewrite({ a: 1 })), { tag: "rewrite", val: text('{"a":1}') });
  assert.deepEqual(verdict(rewrite(Uint8Array.of(1))), { tag: "rewrite", val: { format: "binary", data: Uint8Array.of(1) } });
  assert.deepEqual(verdict(rewrite(testing.message(Uint8Array.of(1)))), verdict(rewrite(Uint8Array.of(1))));
  assert.deepEqual(verdict(send(who.label("room", "a"), { except: 7 })), {
    tag: "send",
    val: [{ to: { tag: "all-labels", val: [{ key: "room", value: "a" }] }, except: [7], payload: null }],
  });
  assert.deepEqual(verdict(split([{ to: who.clients(1, [2]), body: "x" }, { to: who.anyLabel({ room: ["a", "b"] }) }])).val, [
    { to: { tag: "clients", val: [1, 2] }, except: [], payload: text("x") },
    { to: { tag: "any-label", val: [{ key: "room", value: "a" }, { key: "room", value: "b" }] }, except: [], payload: null },
  ]);
});

test("admissions and answers are what the interface says", () => {
  assert.deepEqual(admission(allow()), { tag: "allow", val: { subject: null, labels: [], subprotocol: null, greeting: null } });
  assert.deepEqual(admission(deny({ body: "no" })), { tag: "deny", val: { status: 403, body: "no", reason: null } });
  assert.deepEqual(httpVerdict(respond({ headers: { "x-a": ["1", "2"] }, body: "x" })).val, {
    status: 200,
    headers: [{ name: "x-a", value: utf8("1") }, { name: "x-a", value: utf8("2") }],
    body: utf8("x"),
  });
  const json = httpVerdict(respond({ body: { a: 1 } })).val;
  assert.deepEqual(json.headers, [{ name: "content-type", value: utf8("application/json") }]);
  assert.deepEqual(httpVerdict(respond({ body: { a: 1 }, headers: { "Content-Type": "x/y" } })).val.headers.length, 1);
  assert.deepEqual(httpVerdict(accept("x", { status: 202 })).val[1].status, 202);
  assert.deepEqual(choices([true, false]), [true, false]);
});

test("what cannot be is told in words, and without showing it", () => {
  const told = (act, words) => assert.throws(act, (error) => error instanceof TypeError && error.message.includes(words));
  told(() => verdict(undefined, "onMessage"), "onMessage returned nothing: return pass(), drop(…)");
  told(() => verdict("secret mail", "onMessage"), "onMessage returned a string");
  told(() => verdict(Promise.resolve(pass()), "onMessage"), "onMessage is async");
  told(() => verdict(drop(5), "onMessage"), "the reason of drop must be a string, and is a number");
  told(() => verdict(rewrite(undefined), "onMessage"), "the body of rewrite");
  told(() => verdict(send("everyone")), "must be made by `who`");
  told(() => clients.get(-1), "a client's id must be a whole number, not below 0, and is -1");
  assert.throws(() => clients.get(2 ** 53), /beyond 2\^53/);
  told(() => clients.disconnect(1, 2 ** 16), "close code");
  told(() => kv.set("key", "value", { ttl: 1.5 }), "ttl, in milliseconds, must be a whole number");
  told(() => log.write("loud", "x"), "a level must be one of trace");
  told(() => choices([1]), "a list of booleans");
  told(() => httpVerdict(respond({ status: 2 ** 16 })), "a status of HTTP");
});

test("a message is read as the gateway reads it", () => {
  const message = testing.message({ a: { "b/c": [1, "two", null] } }, { id: 7, source: "s", headers: { "X-Y": "z" } });
  assert.equal(message.pointer("/a/b~1c/1"), "two");
  assert.equal(message.pointer("/a/b~1c/2"), "null");
  assert.equal(message.pointer("/a/b~1c/01"), undefined);
  assert.equal(message.pointer("/a/nobody"), undefined);
  assert.equal(message.pointer(""), message.text());
  assert.deepEqual(message.json(), { a: { "b/c": [1, "two", null] } });
  assert.deepEqual([message.id, message.source, message.format], [7, "s", "text"]);
  assert.equal(message.header("x-y"), "z");
  assert.equal(message.header("nobody"), undefined);
  assert.deepEqual(testing.message("hello").read(1, 3), utf8("ell"));
  assert.equal(testing.message("no JSON").pointer("/a"), undefined);
  assert.throws(() => testing.message("somebody's mail").json(), { message: "the message is not JSON" });
});

test("a call happens whole or not at all, in the gateway's order", () => {
  const ann = testing.connect({ id: 1, subject: "ann" });
  testing.connect({ id: 2, labels: { room: "lobby" } });
  testing.call(() => {
    clients.addLabel(ann, "room", "lobby");
    outbox.send(who.label("room", "lobby"), "ann came", { except: 2 });
    clients.disconnect(1, 4000, "bye");
  });
  const [sent] = testing.sent();
  assert.deepEqual([sent.text, sent.reached, sent.to], ["ann came", [1], who.label("room", "lobby")]);
  assert.deepEqual(testing.disconnected(), [{ id: 1, code: 4000, reason: "bye" }]);
  assert.equal(clients.get(1), undefined);
  assert.ok(ann.has("room", "lobby"), "a client is shown as it is now");
  assert.throws(() =>
    testing.call(() => {
      outbox.send(who.everyone, "never");
      throw new Error("no");
    }),
  );
  testing.call(() => pass());
  assert.deepEqual(testing.sent(), []);
});

test("what the gateway ends a call for, a test fails of", () => {
  testing.connect({ id: 1 });
  assert.throws(() => clients.disconnect(1, 1005), /may not send/);
  assert.throws(() => clients.pong(1, "x".repeat(126)), /125/);
  assert.throws(() => clients.addLabel(1, "", "x"), /key is empty/);
  assert.throws(() => metrics.count("Not_A_Name"), /metric name/);
  assert.throws(() => sdk.abort("never"), /aborted: never/);
});

test("kv is kept, counted, exchanged and forgotten", () => {
  testing.stopClock("2026-01-01T00:00:00Z");
  assert.equal(kv.add("seen", "", { ttl: 1000 }), true);
  assert.equal(kv.add("seen"), false);
  testing.stopClock(Date.parse("2026-01-01T00:00:01Z"));
  assert.equal(kv.add("seen"), true);
  assert.equal(kv.increment("count"), 1);
  assert.equal(kv.increment("count", -3), -2);
  kv.set("json", { a: [1] });
  assert.deepEqual(kv.getJson("json"), { a: [1] });
  assert.equal(kv.getText("nobody"), undefined);
  assert.equal(kv.swap("json", "other", "x"), false);
  assert.equal(kv.swap("json", { a: [1] }, undefined), true);
  assert.deepEqual(kv.keys(), ["count", "seen"]);
  assert.deepEqual(kv.keys({ prefix: "s", limit: 1 }), ["seen"]);
  kv.delete("count");
  assert.deepEqual(kv.keys({ after: "a" }), ["seen"]);
  kv.set("word", "x");
  assert.throws(() => kv.increment("word"), (fault) => fault instanceof sdk.Fault && fault.code === "not-a-number");
  testing.fillKv();
  assert.throws(() => kv.set("one", "more"), { code: "full", message: "kv.set: the keyspace is full" });
});

test("signatures are made and checked with secrets that have a name", () => {
  testing.secret("partner", "key");
  const signature = signing.sign("partner", "hmac-sha256", "The quick brown fox jumps over the lazy dog");
  assert.equal(sdk.toHex(signature), "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  assert.equal(signing.verify("partner", "hmac-sha256", "The quick brown fox jumps over the lazy dog", signature), true);
  assert.equal(signing.verify("partner", "hmac-sha256", "another", signature), false);
  assert.throws(() => signing.sign("nobody", "hmac-sha1", ""), { code: "no-such-secret" });
  assert.deepEqual(sdk.fromHex("00fF"), Uint8Array.of(0, 255));
  assert.equal(sdk.fromHex("0x"), undefined);
});

test("the configuration, the log and the metrics are a test's to give and to read", () => {
  testing.configure({ word: "stop", limits: [1, 2] });
  assert.deepEqual([config.get("word"), config.get("limits"), config.get("nobody")], ["stop", "[1,2]", undefined]);
  assert.deepEqual(config.json(), { word: "stop", limits: [1, 2] });
  testing.logFrom("info");
  log.debug("nobody reads this");
  log.warn("look", { at: { this: 1 } });
  assert.deepEqual(testing.logged(), [{ level: "warn", text: "look", fields: { at: '{"this":1}' } }]);
  assert.equal(log.enabled("debug"), false);
  metrics.count("seen");
  metrics.count("seen", 2);
  metrics.observe("size", 1.5);
  assert.deepEqual([testing.metric("seen"), testing.metric("size")], [3, [1.5]]);
});

test("a request is read as the gateway reads it", () => {
  const request = testing.request({ method: "POST", path: "/x", query: "a=1%202&a=3", headers: { "X-Y": "z" }, body: { a: 1 } });
  assert.deepEqual([request.param("a"), request.param("b"), request.header("x-y")], ["1 2", undefined, "z"]);
  assert.deepEqual([request.json(), request.headers()], [{ a: 1 }, [{ name: "x-y", value: "z" }]]);
});

test("what WhatsApp delivers is found, and what is missing is nothing", () => {
  const message = { from: "1", interactive: { list_reply: { title: "yes" } } };
  const envelope = { entry: [{ changes: [{ value: { messages: [message], metadata: { phone_number_id: "5" } } }] }, {}, null] };
  assert.deepEqual(whatsapp.messages(envelope), [message]);
  assert.deepEqual(whatsapp.phoneNumberIds(envelope), ["5"]);
  assert.deepEqual([whatsapp.words(message), whatsapp.sender(message)], ["yes", "1"]);
  for (const nothing of [undefined, null, {}, { entry: {} }, 5, "x"]) {
    assert.deepEqual([whatsapp.messages(nothing), whatsapp.statuses(nothing), whatsapp.words(nothing)], [[], [], undefined]);
  }
});
