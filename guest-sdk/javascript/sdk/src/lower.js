/** What a filter says, as the gateway takes it; what it cannot take is told. */

import { encode } from "./bytes.js";
import { integer, kindOf, optional, string } from "./checks.js";
import { Message } from "./handles.js";
import { list } from "./verdicts.js";

/** A string as its UTF-8, bytes as they are, anything else as JSON. */
export function bytes(value, what) {
  return payload(value, what).data;
}

/** A string goes as text, bytes as binary, a message as what it is, anything else as JSON in a text. */
export function payload(body, what) {
  if (typeof body === "string") return { format: "text", data: encode(body) };
  if (body instanceof Uint8Array) return { format: "binary", data: body };
  if (body instanceof ArrayBuffer) return { format: "binary", data: new Uint8Array(body) };
  if (ArrayBuffer.isView(body)) {
    return { format: "binary", data: new Uint8Array(body.buffer, body.byteOffset, body.byteLength) };
  }
  if (body instanceof Message) return { format: body.format, data: body.data() };
  const json = JSON.stringify(body);
  if (json === undefined) throw new TypeError(`${what} must be a string, bytes, a message or JSON, and is ${kindOf(body)}`);
  return { format: "text", data: encode(json) };
}

export function labels(given, what) {
  if (typeof given !== "object" || given === null) throw new TypeError(`${what} must be an object, and is ${kindOf(given)}`);
  return list(given).map((label) => ({
    key: string(label?.key, `a label's key, of ${what},`),
    value: string(label?.value, `the label \`${label.key}\`, of ${what},`),
  }));
}

export const ids = (given, what) => {
  return given === undefined || given === null ? [] : [given].flat().map((id) => integer(id, `a client's id, of ${what},`));
};

export function selector(to, what) {
  switch (to?.kind) {
    case "everyone":
      return { tag: "everyone" };
    case "clients":
      return { tag: "clients", val: ids(to.ids, what) };
    case "anyLabel":
      return { tag: "any-label", val: labels(to.labels, what) };
    case "allLabels":
      return { tag: "all-labels", val: labels(to.labels, what) };
  }
  throw new TypeError(`${what} must be made by \`who\`, such as who.everyone or who.label("room", "lobby"), and is ${kindOf(to)}`);
}

/** The answer of `onMessage` and `onClientMessage`. */
export function verdict(answer, handler) {
  switch (answer?.kind) {
    case "pass":
      return { tag: "pass" };
    case "drop":
      return { tag: "drop", val: optional(answer.reason, "the reason of drop", string) };
    case "rewrite":
      return { tag: "rewrite", val: payload(answer.body, "the body of rewrite") };
    case "send":
      return { tag: "send", val: Array.from(answer.deliveries, delivery) };
  }
  throw strange(answer, handler, "pass(), drop(…), rewrite(…), send(…) or split(…)");
}

const delivery = (part) => ({
  to: selector(part?.to, "whom a delivery is for"),
  except: ids(part.except, "except"),
  payload: optional(part.body, "the body of a delivery", payload),
});

export function admission(answer, handler) {
  switch (answer?.kind) {
    case "allow":
      return {
        tag: "allow",
        val: {
          subject: optional(answer.subject, "the subject of allow", string),
          labels: labels(answer.labels, "allow"),
          subprotocol: optional(answer.subprotocol, "the subprotocol of allow", string),
          greeting: optional(answer.greeting, "the greeting of allow", payload),
        },
      };
    case "deny":
      return {
        tag: "deny",
        val: {
          status: status(answer.status, "the status of deny"),
          body: string(answer.body, "the body of deny"),
          reason: optional(answer.reason, "the reason of deny", string),
        },
      };
  }
  throw strange(answer, handler, "allow(…) or deny(…)");
}

export function httpVerdict(answer, handler) {
  switch (answer?.kind) {
    case "pass":
      return { tag: "pass" };
    case "respond":
      return { tag: "respond", val: response(answer.response) };
    case "accept":
      return { tag: "accept", val: [payload(answer.body, "the body of accept"), response(answer.response)] };
  }
  throw strange(answer, handler, "pass(), respond(…) or accept(…)");
}

function response({ status: code = 200, headers = {}, body = "" }) {
  const lowered = list(headers).map(({ key, name = key, value }) => ({
    name: string(name, "a header's name"),
    value: bytes(value, `the header \`${name}\``),
  }));
  const isJson = typeof body === "object" && !(body instanceof Message || body instanceof ArrayBuffer || ArrayBuffer.isView(body));
  if (isJson && !lowered.some(({ name }) => name.toLowerCase() === "content-type")) {
    lowered.push({ name: "content-type", value: encode("application/json") });
  }
  return { status: status(code, "the status of a response"), headers: lowered, body: bytes(body, "the body of a response") };
}

function status(code, what) {
  if (integer(code, what) > 65535) throw new TypeError(`${what} must be a status of HTTP, and is ${code}`);
  return code;
}

/** A list of booleans, one for each client. */
export function choices(answer, handler) {
  if (Array.isArray(answer) && answer.every((choice) => typeof choice === "boolean")) return answer;
  throw strange(answer, handler, "a list of booleans, one for each client");
}

function strange(answer, handler, wanted) {
  if (typeof answer?.then === "function") return new TypeError(`${handler} is async, and a filter answers at once: take the \`async\` away`);
  const made = answer === undefined ? "nothing" : kindOf(answer);
  return new TypeError(`${handler} returned ${made}: return ${wanted}`);
}
