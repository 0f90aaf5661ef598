/**
 * What `postern filter build` makes a component of: the functions that a filter exports, as the handlers that postern calls.
 * No filter imports this.
 */

import "./src/globals.js";
import { string } from "./src/checks.js";
import { Client, Message, Request } from "./src/handles.js";
import { keep, letGo } from "./src/held.js";
import { admission, choices, httpVerdict, verdict } from "./src/lower.js";
import { show } from "./src/show.js";

/** What a filter writes for each handler of its filter.toml; one of several. */
const FUNCTIONS = {
  setup: ["configure"],
  message: ["onMessage"],
  admission: ["onConnect"],
  client: ["onClientMessage"],
  event: ["onEvent"],
  audience: ["choose", "wants"],
  http: ["onRequest"],
};

/** The exports of a component: of `filter`, a module that is called `file`, the handlers named. */
export function expose(filter, handlers, file) {
  agree(filter, handlers, file);
  const message = (handle) => new Message(keep(handle));
  const client = (handle) => new Client(keep(handle));
  const request = (handle) => new Request(keep(handle));
  return {
    setup: {
      configure: called(() => noPromise(filter.configure(), "configure")),
    },
    messageHandler: {
      onMessage: called((msg) => verdict(filter.onMessage(message(msg)), "onMessage")),
    },
    admissionHandler: {
      onConnect: called((req) => admission(filter.onConnect(request(req)), "onConnect")),
    },
    clientHandler: {
      onClientMessage: called((sender, msg) => {
        return verdict(filter.onClientMessage(client(sender), message(msg)), "onClientMessage");
      }),
    },
    eventHandler: {
      onEvent: called((who, what) => noPromise(filter.onEvent(client(who), event(what)), "onEvent")),
    },
    audienceHandler: {
      choose: called((msg, among) => {
        const [judged, asked] = [message(msg), among.map(client)];
        if (filter.choose) return choices(filter.choose(judged, asked), "choose");
        return choices(asked.map((one) => filter.wants(one, judged)), "wants");
      }),
    },
    httpHandler: {
      onRequest: called((req) => httpVerdict(filter.onRequest(request(req)), "onRequest")),
    },
  };
}

/** filter.toml and the code say the same, or it is not built: a handler that is never called is a filter that never filters. */
function agree(filter, handlers, file) {
  for (const [handler, functions] of Object.entries(FUNCTIONS)) {
    const found = functions.find((name) => typeof filter[name] === "function");
    const named = handlers.includes(handler);
    if (named && !found) {
      throw new Error(
        `postern: filter.toml names the handler "${handler}", and ${file} exports no function ${functions.join(" or ")}\n` +
          `hint: write one, export function ${functions[0]}(…), or take "${handler}" out of \`handlers\``,
      );
    }
    if (found && !named) {
      throw new Error(
        `postern: ${file} exports the function ${found}, and filter.toml does not name the handler "${handler}"\n` +
          `hint: handlers = [${[...handlers, handler].map((name) => `"${name}"`).join(", ")}]`,
      );
    }
  }
}

/** A handler whose errors are told in words, and whose handles end with the call. */
const called = (handler) => (...given) => {
  try {
    return handler(...given);
  } catch (error) {
    throw string(words(error));
  } finally {
    letGo();
  }
};

/** An error that a filter throws on purpose is its message. One that the language throws says what it is, and where. */
function words(error) {
  if (!(error instanceof Error)) return show(error);
  if (!BUGS.includes(error.name)) return error.message || error.name;
  return `${error.name}: ${error.message}${place(error.stack)}`;
}

const BUGS = ["TypeError", "ReferenceError", "RangeError", "SyntaxError", "URIError", "EvalError", "InternalError"];

/** The innermost place in the filter's own source. The build leaves `postern_lines`: for each line of the bundle, where it is from. */
function place(stack = "") {
  for (const [, line] of stack.matchAll(/:(\d+):\d+\)?$/gm)) {
    const found = globalThis.postern_lines?.(Number(line));
    if (found) return ` (${found})`;
  }
  return "";
}

function noPromise(answer, handler) {
  if (typeof answer?.then === "function") throw new TypeError(`${handler} is async, and a filter answers at once: take the \`async\` away`);
}

/** `{ kind: "close", close: { code, reason } }` and such. */
function event({ tag, val }) {
  switch (tag) {
    case "close":
      return { kind: tag, close: val ?? undefined };
    case "disconnect":
      return { kind: tag, reason: val ?? undefined };
    case "ping":
    case "pong":
      return { kind: tag, data: val };
  }
  return { kind: tag };
}
