import { config, drop, log, pass } from "postern-filter";

/**
 * Drops messages whose text contains a word, and passes the rest.
 *
 * @type {import("postern-filter").OnMessage}
 */
export function onMessage(message) {
  const word = config.get("word") ?? "unsubscribe";
  const text = message.pointer("/entry/0/changes/0/value/messages/0/text/body");
  if (!text?.includes(word)) return pass();
  log.info("dropped", { word });
  return drop(`it says ${word}`);
}
