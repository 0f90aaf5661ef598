/**
 * Messages, requests and clients made by hand, and what stands in for postern when a filter is tested by `node --test`.
 *
 * What a test arranges here holds for its file; {@link reset} forgets it. As in the gateway, what a handler sends and does to
 * clients is done when it has returned, and only then: run it within {@link call}. What breaks a rule for which the gateway would
 * end the call, such as a close code that a server may not send, throws.
 */

import { Body, Client, ClientId, Close, Format, Labels, Level, Message, Request, Selector, Timestamp } from "./index.js";

/** Forgets what was arranged and what was done: `beforeEach(reset)`. */
export declare function reset(): void;

/** A message: `message("hello")`, `message({ entry: [] })`. */
export declare function message(
  body: Body,
  about?: { source?: string; received?: Timestamp; id?: number; headers?: Record<string, string | Uint8Array> },
): Message;

export interface ClientAbout {
  id: ClientId;
  subject?: string;
  labels?: Labels;
  address?: string;
  since?: Timestamp;
}

/** A client that is not connected: for `onEvent`, `wants` and such. */
export declare function client(about: ClientAbout): Client;

/** Connects a client; once more under the same id, it is another of that name. */
export declare function connect(about: ClientAbout): Client;

/** A client goes by itself. */
export declare function leave(id: ClientId): void;

/** A request: `request({ path: "/ws", query: "token=x" })`. */
export declare function request(about?: {
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string | Uint8Array>;
  address?: string;
  body?: Body;
}): Request;

/**
 * Runs a handler as the gateway does: what it sends and does to clients is done if it returns, and forgotten if it throws.
 * `call(() => onClientMessage(ann, message("hello")))`
 */
export declare function call<T>(handler: () => T): T;

/** Gives the filter its configuration: the `config` of `[filters.NAME]`. */
export declare function configure(config: object): void;

/** Gives the filter a secret to sign with. */
export declare function secret(name: string, value: string | Uint8Array): void;

/** Stops the clock: at milliseconds since 1970, or `"2026-01-01T00:00:00Z"`. */
export declare function stopClock(at: Timestamp | string): void;

/** Lets lines below this level go nowhere, as an operator may. */
export declare function logFrom(level: Level): void;

/** Lets the keyspace take nothing more, or take it again. */
export declare function fillKv(full?: boolean): void;

/** Takes the lines logged so far. */
export declare function logged(): { level: Level; text: string; fields: Record<string, string> }[];

/** Something that the filter sent by the outbox. */
export interface Sent {
  to: Selector;
  except: ClientId[];
  format: Format;
  data: Uint8Array;
  text: string;
  /** The clients it has reached: those that were connected, and chosen, when it was sent. */
  reached: ClientId[];
}

/** Takes what was sent so far. */
export declare function sent(): Sent[];

/** Takes whom the filter has disconnected so far, and how. */
export declare function disconnected(): ({ id: ClientId } & Close)[];

/** Takes the pings the filter has answered so far. */
export declare function pongs(): { id: ClientId; data: Uint8Array }[];

/** What a metric has come to; a histogram is its observations. */
export declare function metric(name: string): number | number[] | undefined;
