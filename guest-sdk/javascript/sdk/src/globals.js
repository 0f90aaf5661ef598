/**
 * What people use every day, by way of postern: `console`, `Date.now`, `new Date`, `performance.now`, `Math.random`,
 * `TextEncoder`, `TextDecoder`. QuickJS has none of them, or takes them from WASI, of which a filter has nothing: it traps.
 */

import * as gateway from "#gateway";
import { decode, encode } from "./bytes.js";
import { string } from "./checks.js";
import { show } from "./show.js";

const line = (level) => (...values) => gateway.log.write(level, string(values.map(show).join(" ")), []);

globalThis.console = {
  log: line("info"),
  info: line("info"),
  debug: line("debug"),
  trace: line("trace"),
  warn: line("warn"),
  error: line("error"),
  assert: (holds, ...values) => holds || line("error")("assertion failed:", ...values),
};

const now = () => gateway.clock.now();

Date.now = now;
globalThis.Date = new Proxy(Date, {
  construct: (date, given, target) => Reflect.construct(date, given.length ? given : [now()], target),
  apply: () => String(new Date()),
});
Date.prototype.constructor = Date;

// Milliseconds, from when this instance asked first.
let origin;
globalThis.performance = {
  now() {
    const at = gateway.clock.monotonic();
    origin ??= at;
    return (at - origin) / 1e6;
  },
};

// sfc32, by Chris Doty-Humphrey, in the public domain. Seeded by each instance when it asks first, since all that runs
// before is kept in the component. Nothing to make secrets of.
let state;
Math.random = () => {
  state ??= seed();
  let [a, b, c, count] = state;
  const sum = (a + b + count) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = (((c << 21) | (c >>> 11)) + sum) | 0;
  state = [a, b, c, (count + 1) | 0];
  return (sum >>> 0) / 2 ** 32;
};

function seed() {
  const [nanoseconds, milliseconds] = [gateway.clock.monotonic(), now()];
  state = [nanoseconds | 0, (nanoseconds / 2 ** 32) | 0, milliseconds | 0, 1];
  // What is alike in two seeds is not alike after this.
  for (let round = 0; round < 12; round++) Math.random();
  return state;
}

globalThis.TextEncoder = class TextEncoder {
  encoding = "utf-8";

  encode(text = "") {
    return encode(String(text));
  }
};

globalThis.TextDecoder = class TextDecoder {
  encoding = "utf-8";
  #strict;
  #keepsMark;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(unicode-1-1-)?utf-?8\s*$/i.test(label)) throw new RangeError("a TextDecoder reads utf-8 here, and nothing else");
    this.#strict = fatal;
    this.#keepsMark = ignoreBOM;
  }

  decode(data = new Uint8Array()) {
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const text = decode(bytes);
    // What was U+FFFD from the beginning is whole when it is made bytes again; what became it is not.
    if (this.#strict && text.includes("\ufffd") && encode(text).toHex() !== bytes.toHex()) {
      throw new TypeError("the data is not UTF-8");
    }
    return !this.#keepsMark && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
};
