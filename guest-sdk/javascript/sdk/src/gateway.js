/** What postern provides to a component. In a test `double.js` takes its place: see `imports` of package.json. */

import * as log from "postern:filter/log@0.1.0";

export { log };
export * as clients from "postern:filter/clients@0.1.0";
export * as clock from "postern:filter/clock@0.1.0";
export * as config from "postern:filter/config@0.1.0";
export * as kv from "postern:filter/kv@0.1.0";
export * as metrics from "postern:filter/metrics@0.1.0";
export * as outbox from "postern:filter/outbox@0.1.0";
export * as signing from "postern:filter/signing@0.1.0";

/** Ends the call by a trap: the engine does not survive a level that there is not. */
export function trap() {
  log.write("none", "", []);
}
