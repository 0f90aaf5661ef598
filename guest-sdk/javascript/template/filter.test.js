// `npm test` runs this in Node; postern's place is taken by doubles in memory. What the component itself does is asked by
// `postern filter test`, see cases/filter.toml.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { drop, pass } from "postern-filter";
import { configure, logged, message, reset } from "postern-filter/testing";
import { onMessage } from "./filter.js";

/** A delivery of one text message. @param {string} body */
const saying = (body) => message({ entry: [{ changes: [{ value: { messages: [{ text: { body } }] } }] }] });

beforeEach(reset);

test("what says the word is dropped", () => {
  configure({ word: "stop" });
  assert.deepEqual(onMessage(saying("please stop")), drop("it says stop"));
  assert.deepEqual(logged(), [{ level: "info", text: "dropped", fields: { word: "stop" } }]);
});

test("what does not say it passes", () => {
  assert.deepEqual(onMessage(saying("please go on")), pass());
  assert.deepEqual(onMessage(message("no JSON at all")), pass());
});
