/** What a handler is given: handles, of which nothing is copied into the filter until it is asked for. */

import { decode } from "./bytes.js";
import { extent, string } from "./checks.js";

const given = (value) => (value === null ? undefined : value);
const text = (value) => (value === null ? undefined : decode(value));

function parse(text, what) {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's words quote what they met, and that may be somebody's mail.
    throw new Error(`${what} is not JSON`);
  }
}

export class Message {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  get id() {
    return this.#handle.id();
  }

  get source() {
    return this.#handle.source();
  }

  get received() {
    return this.#handle.received();
  }

  get format() {
    return this.#handle.format();
  }

  get size() {
    return this.#handle.size();
  }

  data() {
    return this.#handle.data();
  }

  read(offset, length) {
    return this.#handle.read(extent(offset, "the offset of read"), extent(length, "the length of read"));
  }

  text() {
    return decode(this.#handle.data());
  }

  json() {
    return parse(this.text(), "the message");
  }

  pointer(pointer) {
    return given(this.#handle.json(string(pointer, "a pointer")));
  }

  header(name) {
    return text(this.#handle.header(string(name, "the name of a header")));
  }

  headerBytes(name) {
    return given(this.#handle.header(string(name, "the name of a header")));
  }
}

export class Client {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  get id() {
    return this.#handle.id();
  }

  get subject() {
    return given(this.#handle.subject());
  }

  get address() {
    return this.#handle.address();
  }

  get since() {
    return this.#handle.since();
  }

  label(key) {
    return given(this.#handle.label(string(key, "the key of a label")));
  }

  labels() {
    return this.#handle.labels();
  }

  has(key, value) {
    return this.labels().some((label) => label.key === key && label.value === value);
  }
}

export class Request {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  get method() {
    return this.#handle.method();
  }

  get path() {
    return this.#handle.path();
  }

  get query() {
    return given(this.#handle.query());
  }

  get address() {
    return this.#handle.address();
  }

  param(name) {
    return given(this.#handle.param(string(name, "the name of a parameter")));
  }

  header(name) {
    return text(this.#handle.header(string(name, "the name of a header")));
  }

  headerBytes(name) {
    return given(this.#handle.header(string(name, "the name of a header")));
  }

  headers() {
    return this.#handle.headers().map(({ name, value }) => ({ name, value: decode(value) }));
  }

  body() {
    return this.#handle.body();
  }

  text() {
    return decode(this.#handle.body());
  }

  json() {
    return parse(this.text(), "the request");
  }
}
