/** What a filter wants in scope. All of it is described in `index.d.ts`. */

export { accept, allow, deny, drop, pass, respond, rewrite, send, split, who } from "./src/verdicts.js";
export { clients, clock, config, Fault, kv, log, metrics, outbox, signing, abort } from "./src/imports.js";
export { decode, encode, fromHex, toHex } from "./src/bytes.js";
