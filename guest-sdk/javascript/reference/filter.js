import { abort, accept, allow, clients, config, deny, drop, encode, kv, outbox, pass } from "postern-filter";
import { respond, rewrite, split, who } from "postern-filter";
import { integers, labels, selector } from "./arguments.js";
import { report } from "./steps.js";

/** The error or the trap that the configuration asks for. */
export function configure() {
  const fail = config.get("fail");
  if (fail !== undefined) throw new Error(fail);
  if (config.get("trap") !== undefined) abort("told to trap");
}

export function onMessage(message) {
  return answer(message, undefined);
}

export function onClientMessage(sender, message) {
  return answer(message, sender);
}

/** Takes the steps that the message names, then answers as it says. */
function answer(message, sender) {
  const steps = report(message, sender);
  switch (message.pointer("/answer") ?? "report") {
    case "report":
      return rewrite(steps);
    case "report-binary":
      return rewrite(encode(steps));
    case "pass":
      return pass();
    case "drop":
      return drop(message.pointer("/reason"));
    case "rewrite":
      return rewrite(message.pointer("/text") ?? "");
    case "send":
      return split(deliveries(message));
    case "error":
      throw new Error(message.pointer("/reason") ?? "");
  }
  throw new Error(`no such answer: ${message.pointer("/answer")}`);
}

function deliveries(message) {
  const all = [];
  for (;;) {
    const part = (name) => message.pointer(`/to/${all.length}/${name}`);
    const to = part("to");
    if (to === undefined) return all;
    all.push({ to: selector(to), except: integers(part("except")), body: part("text") });
  }
}

/** Admission by query parameters. */
export function onConnect(request) {
  const body = request.param("deny");
  if (body !== undefined) {
    return deny({ status: Number(request.param("status") ?? 403), body, reason: request.param("reason") });
  }
  const error = request.param("error");
  if (error !== undefined) throw new Error(error);
  return allow({
    subject: request.param("subject"),
    labels: labels(request.param("label")),
    subprotocol: request.param("subprotocol"),
    greeting: request.param("greeting"),
  });
}

/** Tells what was asked, takes it in, fails, or leaves it to others. */
export function onRequest(request) {
  switch (request.param("do")) {
    case "echo":
      return respond({ headers: { "content-type": "text/plain" }, body: echo(request) });
    case "accept":
      return accept(request.text(), { status: 202, body: "taken" });
    case "error":
      throw new Error("told to");
  }
  return pass();
}

function echo(request) {
  const { method, path, query, address } = request;
  const lines = [method, path, query, request.header("x-test"), request.headers().length, address, request.text()];
  return lines.map((line) => line ?? "none").join("\n");
}

/** Writes what it hears into kv and a label, and tells everyone. */
export function onEvent(client, event) {
  const heard = `${event.kind}:${detail(event)}`;
  kv.set("event", heard);
  clients.addLabel(client, "seen", event.kind);
  outbox.send(who.everyone, heard);
}

function detail(event) {
  switch (event.kind) {
    case "close":
      return event.close ? `${event.close.code} ${event.close.reason}` : "none";
    case "disconnect":
      return event.reason ?? "none";
    case "ping":
    case "pong":
      return new TextDecoder().decode(event.data);
  }
  return "";
}

/** Chooses those in the message's room. */
export function choose(message, among) {
  const fail = message.pointer("/fail");
  if (fail !== undefined) throw new Error(fail);
  const room = message.pointer("/room");
  return among.map((client) => room !== undefined && client.label("room") === room);
}
