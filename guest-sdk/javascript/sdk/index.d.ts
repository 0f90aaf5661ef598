/**
 * Filters for the postern gateway.
 *
 * A filter is a module that exports one or more of these functions, and names their handlers in its `filter.toml`:
 *
 * | you export               | `handlers`  | you are asked                                         |
 * | ------------------------ | ----------- | ----------------------------------------------------- |
 * | `onMessage`              | `message`   | what to do with each message a webhook delivers       |
 * | `onConnect`              | `admission` | whether a client may connect, and as whom             |
 * | `onClientMessage`        | `client`    | what to do with each message a client sends           |
 * | `onEvent`                | `event`     | nothing; you are told of connects, closes, pings, …   |
 * | `wants`, or `choose`     | `audience`  | which of the clients a message is for get it          |
 * | `onRequest`              | `http`      | how to answer a plain HTTP request                    |
 * | `configure`              | `setup`     | to check your configuration before any traffic        |
 *
 * Three rules hold everywhere:
 *
 * 1. What you are given is a handle: nothing is copied into your memory until you ask for it. It is good until the function
 *    returns; used later, it throws.
 * 2. A call happens whole or not at all. What you put in the {@link outbox} or ask of {@link clients} takes effect when your
 *    function returns. If it throws, or runs out of time or memory, none of it does. What you ask of `clients` before your
 *    first send is done before it, the rest after your last. ({@link kv}, {@link metrics} and {@link log} act at once.)
 * 3. Do not count on variables between calls. Most calls meet a fresh instance; what lasts is in `kv`, or in labels.
 *
 * What you throw is a failure of the filter, told in its words: it is logged, counted, and met with the operator's `on_error`.
 */

/** Names one connection for as long as it lives. */
export type ClientId = number;

/** Milliseconds since 1970-01-01T00:00:00Z, as `Date.now()`. */
export type Timestamp = number;

/**
 * What is sent: a string goes as text, bytes as binary, a {@link Message} as what it is. Anything else is sent as JSON, in a
 * text.
 */
export type Body = string | Uint8Array | ArrayBuffer | Message | object;

/** The two kinds of WebSocket message: text is UTF-8, binary is any bytes. */
export type Format = "text" | "binary";

/** Something known of a client, such as `room=lobby`. A client may carry one key with many values. */
export interface Label {
  readonly key: string;
  readonly value: string;
}

/** Labels: `{ room: ["lobby", "attic"], desk: "night" }`, or a list of them. */
export type Labels = { readonly [key: string]: string | readonly string[] } | readonly Label[];

/**
 * A message bound for clients (a verified webhook delivery, or what a filter earlier in the chain made of it), or one that a
 * client sent. It is a handle: nothing is copied until you ask.
 */
export interface Message {
  /**
   * Identifies the delivery that began this message. The parts of a split message share it. 0 for what a client sent: that is
   * not an event yet.
   */
  readonly id: number;
  /** The name, in postern's configuration, of the webhook it came through, or of the stream of the client that sent it. */
  readonly source: string;
  /** When postern accepted it. */
  readonly received: Timestamp;
  /** Text or binary, without copying the data. */
  readonly format: Format;
  /** How many bytes of data there are, without copying them. */
  readonly size: number;
  /** All of the data, copied. */
  data(): Uint8Array;
  /** A part of it: at most `length` bytes from `offset`, fewer at the end. */
  read(offset: number, length: number): Uint8Array;
  /** All of it as text. What is not UTF-8 becomes U+FFFD. */
  text(): string;
  /** All of it as JSON: `message.json<whatsapp.Envelope>()`. Throws when it is not JSON. */
  json<T = any>(): T;
  /**
   * The value at an RFC 6901 JSON Pointer such as `/entry/0/id`: a string as its text, anything else as JSON. `undefined` when
   * there is nothing there, or the data is not JSON. postern parses a message once, however many filters ask: this is the cheap
   * way to a value or two.
   */
  pointer(pointer: string): string | undefined;
  /** A header of the HTTP request that delivered it, as text, if the operator lets filters see that header. */
  header(name: string): string | undefined;
  /** The same, byte for byte. */
  headerBytes(name: string): Uint8Array | undefined;
}

/** A connected client. */
export interface Client {
  readonly id: ClientId;
  /** Who it is, as admission said. */
  readonly subject: string | undefined;
  /** The peer's address, `ip:port`, after any trusted proxy headers. */
  readonly address: string;
  /** When it connected. */
  readonly since: Timestamp;
  /** The first value of the label `key`. */
  label(key: string): string | undefined;
  /** All of its labels. */
  labels(): Label[];
  /** Whether it carries this label. */
  has(key: string, value: string): boolean;
}

/** An HTTP request: one that asks to become a WebSocket, or a plain one. */
export interface Request {
  /** In upper case: `GET`, `POST`, … */
  readonly method: string;
  /** Always begins with `/`; never includes the query. */
  readonly path: string;
  /** What follows `?`, as sent. */
  readonly query: string | undefined;
  /** The peer's address, `ip:port`, after any trusted proxy headers. */
  readonly address: string;
  /** The first value of the query parameter `name`, percent-decoded. */
  param(name: string): string | undefined;
  /** The first header of that name, in any case, as text. */
  header(name: string): string | undefined;
  /** The same, byte for byte. */
  headerBytes(name: string): Uint8Array | undefined;
  /** All of them; names are in lower case. */
  headers(): { name: string; value: string }[];
  /** The body, already read in full and within the operator's limit. Empty for one that asks to become a WebSocket. */
  body(): Uint8Array;
  /** The body as text. What is not UTF-8 becomes U+FFFD. */
  text(): string;
  /** The body as JSON. Throws when it is not JSON. */
  json<T = any>(): T;
}

/** Whom something is for. Made by {@link who}. */
export type Selector =
  | { readonly kind: "everyone" }
  | { readonly kind: "clients"; readonly ids: readonly ClientId[] }
  | { readonly kind: "anyLabel"; readonly labels: readonly Label[] }
  | { readonly kind: "allLabels"; readonly labels: readonly Label[] };

/** Chooses clients: `send(who.label("desk", "night"))`. */
export declare const who: {
  /** Every connected client. */
  readonly everyone: Selector;
  /** Those with these ids. Ids that are gone are passed over. */
  clients(...ids: (ClientId | readonly ClientId[])[]): Selector;
  /** Those that carry this label. */
  label(key: string, value: string): Selector;
  /** Those that carry at least one of these labels. */
  anyLabel(labels: Labels): Selector;
  /** Those that carry every one of these labels. */
  allLabels(labels: Labels): Selector;
};

/** Leave it be: a message goes on as it is; an HTTP request is not mine, and goes to the next filter. */
export interface Pass {
  readonly kind: "pass";
}

/** Who gets what. */
export interface Delivery {
  readonly to: Selector;
  /** Left out even when `to` chooses them: for a relay, the sender. */
  readonly except?: ClientId | readonly ClientId[];
  /** What they get; without it, the message in hand, unchanged. */
  readonly body?: Body;
}

/**
 * What to do with a message. Filters run in the order configured. Each decides for itself and the next sees the outcome; when
 * none has narrowed the audience, everyone gets it.
 */
export type Verdict =
  | Pass
  | { readonly kind: "drop"; readonly reason?: string }
  | { readonly kind: "rewrite"; readonly body: Body }
  | { readonly kind: "send"; readonly deliveries: readonly Delivery[] };

/** Leave it as it is. If every filter says so of a message, it is a broadcast. */
export declare function pass(): Pass;

/** Discard the message; later filters never see it. The reason, if any, is logged and counted. */
export declare function drop(reason?: string): Verdict;

/** Replace the body; the audience stays as it was. */
export declare function rewrite(body: Body): Verdict;

/** Send the message to a selection, with another body if you give one. An audience is narrowed, never widened. */
export declare function send(to: Selector, options?: Omit<Delivery, "to">): Verdict;

/**
 * Split the message: each part goes to its own selection, and on down the chain by itself. No parts is a drop.
 * `split([{ to: who.label("desk", "day") }, { to: who.label("desk", "night"), body: "later" }])`
 */
export declare function split(deliveries: readonly Delivery[]): Verdict;

/**
 * Whether a client may connect. With several admission filters, every one must allow it: labels add up, the last subject given
 * stands, and the first denial ends the matter.
 */
export type Admission =
  | ({ readonly kind: "allow"; readonly labels: readonly Label[] } & Omit<Grant, "labels">)
  | ({ readonly kind: "deny" } & Denial);

/** What a client may connect as. */
export interface Grant {
  /** Who it is, for other filters and for the logs. */
  readonly subject?: string;
  /** What to know it by. */
  readonly labels?: Labels;
  /** The WebSocket subprotocol to agree on; it must be one the client asked for. */
  readonly subprotocol?: string;
  /** A first message for this client alone, sent before any other. */
  readonly greeting?: Body;
}

/** Why not. */
export interface Denial {
  /** 400 to 599; 403 when it is not said. Anything else is sent as 403. */
  readonly status?: number;
  /** Told to the client. */
  readonly body?: string;
  /** For the log alone. */
  readonly reason?: string;
}

/** Let it in: `allow({ subject: "ann", labels: { room: "lobby" } })`. */
export declare function allow(grant?: Grant): Admission;

/** Keep it out: `deny({ status: 401, body: "a token is required" })`. */
export declare function deny(denial?: Denial): Admission;

/** A WebSocket close code and its reason. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** What became of a connection. */
export type ConnectionEvent =
  /** Admitted and upgraded; it can be sent to. */
  | { readonly kind: "connect" }
  /**
   * It sent a close frame. postern answers it, unless the stream says `close = "manual"`: then {@link clients.disconnect} is
   * the answer, and postern gives one of its own when none has come in time. `disconnect` follows.
   */
  | { readonly kind: "close"; readonly close?: Close }
  /** It is gone, closed or broken off: the last event a client has. Why, if it did not close by itself. */
  | { readonly kind: "disconnect"; readonly reason?: string }
  /**
   * It sent a ping. postern has already answered, unless the stream says `pong = "manual"`: then {@link clients.pong} is the
   * answer.
   */
  | { readonly kind: "ping"; readonly data: Uint8Array }
  /** It answered a ping. */
  | { readonly kind: "pong"; readonly data: Uint8Array };

/** An HTTP answer. */
export interface Response {
  /** 200 when it is not said. */
  readonly status?: number;
  /** `{ "content-type": "text/plain" }`; a list of values is a header for each. */
  readonly headers?: { readonly [name: string]: string | readonly string[] };
  /** As any {@link Body}. What is sent as JSON says so in a `content-type`, unless you say another. */
  readonly body?: Body;
}

/** How to answer a plain HTTP request. */
export type HttpVerdict =
  | Pass
  | { readonly kind: "respond"; readonly response: Response }
  | { readonly kind: "accept"; readonly body: Body; readonly response: Response };

/** Answer so. */
export declare function respond(response?: Response): HttpVerdict;

/**
 * It is a webhook in a dialect of your own: put this in the message chain of the webhook the operator named, and answer so once
 * it is on disk. It is an event of its own each time: to know it when it is sent again, ask {@link kv.add} first.
 */
export declare function accept(body: Body, response?: Response): HttpVerdict;

/**
 * `export function configure()`: checks the filter before it meets traffic. Called when the filter is loaded, and once for each
 * instance before its first call. What it throws at load keeps the filter out, and the one it would have replaced stays in place.
 */
export type Configure = () => void;

/** `export function onMessage(message)`: judges every message bound for clients. */
export type OnMessage = (message: Message) => Verdict;

/** `export function onConnect(request)`: judges every client that asks to connect. What it throws denies the client. */
export type OnConnect = (request: Request) => Admission;

/**
 * `export function onClientMessage(sender, message)`: judges every message a client sends.
 *
 * The message's `source` is the stream's name, and its `id` is 0: it is not an event yet. What `send` and `rewrite` make of it
 * goes to clients of the same stream, and is durable before it is sent: those who were away get it when they come back. `pass`
 * and `rewrite` leave the message to the stream's configured default (`relay`), which is to ignore it. To answer the sender
 * alone, put the answer in the {@link outbox}. A client's messages are judged one after the other, in the order it sent them.
 */
export type OnClientMessage = (sender: Client, message: Message) => Verdict;

/**
 * `export function onEvent(client, event)`: hears what becomes of connections. Called for the kinds of event the operator turned
 * on: `connect` and `disconnect` unless told otherwise.
 */
export type OnEvent = (client: Client, event: ConnectionEvent) => void;

/**
 * `export function wants(client, message)`: whether a client gets a message. Asked for each message that a stream carries, about
 * each client whom the message is for. It can leave clients out, not bring any in. Asked again on replay, and when a client's
 * labels have changed, so answer by what the message and the client are, not by when you are asked.
 */
export type Wants = (client: Client, message: Message) => boolean;

/** `export function choose(message, clients)`: as {@link Wants}, of all of them at once: one answer for each, in their order. */
export type Choose = (message: Message, clients: Client[]) => boolean[];

/** `export function onRequest(request)`: answers plain HTTP requests. */
export type OnRequest = (request: Request) => HttpVerdict;

/** The filter's own section of postern's configuration: `config` of `[filters.NAME]`. */
export declare const config: {
  /** One setting: a string as its text, anything else as JSON. */
  get(key: string): string | undefined;
  /** All of them, as an object: `config.json<Settings>()`. */
  json<T = any>(): T;
};

export type Level = "trace" | "debug" | "info" | "warn" | "error";

/** Something to find a line by. What is no string is shown as JSON. */
export type Fields = { readonly [key: string]: unknown };

/**
 * Words for the operator. Lines carry the filter's name and the message's or client's id already. `console.log` comes here too,
 * as `info`.
 */
export declare const log: {
  /** Whether a line at this level would go anywhere. Ask before building a costly one. */
  enabled(level: Level): boolean;
  write(level: Level, text: string, fields?: Fields): void;
  trace(text: string, fields?: Fields): void;
  debug(text: string, fields?: Fields): void;
  info(text: string, fields?: Fields): void;
  warn(text: string, fields?: Fields): void;
  error(text: string, fields?: Fields): void;
};

/** Numbers for the operator, shown as `postern_filter_<name>{filter="…"}`. Names are lower-case letters, digits and `_`. */
export declare const metrics: {
  /** Adds to a counter; 1 when it is not said. */
  count(name: string, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, value: number): void;
  /** Adds one observation to a histogram. */
  observe(name: string, value: number): void;
};

/** The time. `Date.now()`, `new Date()` and `performance.now()` ask it as well. */
export declare const clock: {
  now(): Timestamp;
  /** Nanoseconds from some fixed point; it never goes back. */
  monotonic(): number;
};

/**
 * Messages a filter sends on its own account. They go straight to clients, not through the chain, after your function returns,
 * in the order sent; they are durable as events are, and are resumed and replayed like them. They reach the clients of the
 * streams the filter works for: those that carry the webhook of the message, or the stream of the client or of the request.
 */
export declare const outbox: {
  /** Sends to everyone `to` chooses, less `except`: `outbox.send(who.clients(sender.id), "welcome")`. */
  send(to: Selector, body: Body, options?: { readonly except?: ClientId | readonly ClientId[] }): void;
};

/** The clients connected now. A client is given as its id or as itself. */
export declare const clients: {
  /** How many there are. */
  count(among?: Selector): number;
  /** At most `limit` of them (and 10 000), longest connected first. */
  find(among?: Selector, limit?: number): ClientId[];
  /** One of them; `undefined` when it is gone. */
  get(id: ClientId): Client | undefined;
  /** Gives one a label, beside any it has. Takes effect when your function returns. */
  addLabel(client: ClientId | Client, key: string, value: string): void;
  /** Takes a label away. Takes effect when your function returns. */
  removeLabel(client: ClientId | Client, key: string, value: string): void;
  /**
   * Closes one, with 1000 unless you say another code: one that RFC 6455 lets a server send, 1000 to 1003, 1007 to 1014, 3000 to
   * 4999. Takes effect when your function returns.
   */
  disconnect(client: ClientId | Client, code?: number, reason?: string): void;
  /** Answers a ping, on a stream with `pong = "manual"`. At most 125 bytes. Takes effect when your function returns. */
  pong(client: ClientId | Client, data?: string | Uint8Array): void;
};

/** What lasts for how long. */
export interface Lasting {
  /** In milliseconds: after that the key goes by itself. */
  readonly ttl?: number;
}

/**
 * What lasts, restarts and crashes included. Each filter has a keyspace of its own, unless the operator gave several the same.
 * Every operation is atomic and acts at once. Each may throw a {@link Fault}.
 *
 * A value is bytes; a string is kept as its UTF-8, anything else as its JSON.
 */
export declare const kv: {
  get(key: string): Uint8Array | undefined;
  /** The value as text. */
  getText(key: string): string | undefined;
  /** The value as JSON. */
  getJson<T = any>(key: string): T | undefined;
  set(key: string, value: Body, options?: Lasting): void;
  /**
   * Sets only what is not there, and says whether it did. The whole of deduplication:
   * `if (!kv.add(id, "", { ttl: 60_000 })) return drop("seen before")`
   */
  add(key: string, value?: Body, options?: Lasting): boolean;
  /** Adds to a decimal number, from 0, and says what it came to. `ttl` counts from the first. The whole of rate limiting. */
  increment(key: string, by?: number, options?: Lasting): number;
  /** Sets it to `replacement` if it is `old` (`undefined` is absent), and says whether it was. */
  swap(key: string, old: Body | undefined, replacement: Body | undefined): boolean;
  delete(key: string): void;
  /** Keys that begin with `prefix`, in order, after `after`, at most `limit` (and 1000). */
  keys(range?: { readonly prefix?: string; readonly after?: string; readonly limit?: number }): string[];
};

export type Algorithm = "hmac-sha1" | "hmac-sha256" | "hmac-sha512";

/** Signatures made and checked with keys a filter can name (`secrets` of `[filters.NAME]`) and never see. May throw a {@link Fault}. */
export declare const signing: {
  sign(secret: string, algorithm: Algorithm, data: string | Uint8Array): Uint8Array;
  /** Whether `signature`, as raw bytes, is right. Compared in constant time. `fromHex` makes bytes of hexadecimal digits. */
  verify(secret: string, algorithm: Algorithm, data: string | Uint8Array, signature: Uint8Array): boolean;
};

/** What {@link kv} or {@link signing} could not do. */
export declare class Fault extends Error {
  readonly code:
    /** The key or the value is longer than the operator allows. */
    | "too-large"
    /** The keyspace is full. */
    | "full"
    /** The value there is not a number. */
    | "not-a-number"
    /** The store behind it did not answer. */
    | "unavailable"
    /** The operator gave this filter no secret of that name. */
    | "no-such-secret";
}

/** Ends the call at once, and this instance with it; the words go to the log. For what must never be: else `throw`. */
export declare function abort(words: string): never;

/** The UTF-8 of a text. */
export declare function encode(text: string): Uint8Array;

/** The text whose UTF-8 this is. What is not UTF-8 becomes U+FFFD. */
export declare function decode(bytes: Uint8Array): string;

/** Lower-case hexadecimal digits, two a byte. */
export declare function toHex(bytes: Uint8Array): string;

/** The bytes of hexadecimal digits; `undefined` when they are not that. */
export declare function fromHex(text: string): Uint8Array | undefined;
