// Asking the gateway. The token, where one is asked for, is kept for this tab alone.

const KEY = "postern-token";
const LONGEST = 4 << 20;

let askForToken = async () => null;
let asking = null;

export class Failed extends Error {
  constructor(status, text) {
    super(text.trim() || `the gateway answered ${status}`);
    this.status = status;
  }
}

// How a token is asked for: a function of whether the last one was wrong.
export function tokensFrom(ask) {
  askForToken = ask;
}

// A response that is 2xx. What is not is thrown, in the gateway's own words.
export async function call(method, path, { body, type, headers = {}, signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const all = { ...headers };
    if (token !== null) all.authorization = `Bearer ${token}`;
    if (type) all["content-type"] = type;
    const response = await fetch(path, { method, body, headers: all, signal, cache: "no-store" });
    if (response.ok) return response;
    if (response.status !== 401) throw new Failed(response.status, await response.text());
    // Somebody else may have got another meanwhile.
    if (sessionStorage.getItem(KEY) !== token) continue;
    asking ??= askForToken(token !== null).finally(() => { asking = null; });
    const given = await asking;
    if (given === null) throw new Failed(401, "the admin token is needed");
    sessionStorage.setItem(KEY, given);
  }
}

export async function get(path) {
  return (await call("GET", path)).json();
}

export async function post(path, value) {
  const body = value === undefined ? undefined : JSON.stringify(value);
  return (await call("POST", path, { body, type: "application/json" })).json();
}

// Reads server-sent events until the stream ends; `take` is given those of each piece that arrives, as [name, value].
export async function stream(path, take, signal) {
  const response = await call("GET", path, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    if (rest.length > LONGEST) throw new Error("an event is too long");
    take(blocks.map(read).filter(told => told !== null));
  }
}

function read(block) {
  let name = "message";
  let data = null;
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data = line.slice(6);
  }
  return data === null ? null : [name, JSON.parse(data)];
}
