// The streams and who is connected to them, how far each is behind, and to disconnect one.

import { get, post } from "./api.js";
import { sure } from "./dialog.js";
import { button, choice, doing, element, field, notice, replace, table } from "./element.js";
import * as mask from "./mask.js";
import { change, read } from "./place.js";
import * as words from "./words.js";

const PAGE = 100;
const EVERY = 2000;

export function clients({ status }) {
  const streams = element("div", { class: "wide" });
  const rows = element("div", { class: "wide" });
  const said = element("span", { class: "quiet" });
  const pick = choice({ name: "stream", on: { change: () => change({ stream: pick.value, after: null }) } }, [["", "Every stream"], ...status().streams]);
  const subject = element("input", { name: "subject", autocomplete: "off", on: { change: () => change({ subject: subject.value, after: null }) } });
  const next = button("Next page", () => change({ after: further }), { hidden: true });
  const tools = element("div", { class: "tools" }, field("Stream", pick), field("Subject", subject), said);
  const root = element("div", { class: "view" }, element("h1", { text: "Streams and clients" }), streams, tools, rows, next);
  let further = null;
  let shown = { clients: [], count: 0 };

  function draw() {
    const row = client => [
      element("code", { text: client.client }),
      client.stream,
      mask.text(client.subject ?? ""),
      Object.entries(client.labels).map(([key, values]) => values.map(value => `${key}:${mask.text(value)}`)).flat().join(", "),
      client.address,
      words.day(client.since),
      client.lag === undefined ? "gone" : words.count(client.lag),
      button("Disconnect", pressed => disconnect(pressed.currentTarget, client), { "aria-label": `Disconnect ${client.client}`, "data-name": client.client }),
    ];
    said.textContent = words.many(shown.count, "client");
    next.hidden = further === null;
    const heads = ["Client", "Stream", "Subject", "Labels", "Address", "Since", "Lag", "Do"];
    replace(rows, shown.clients.length > 0 ? table("Clients", heads, shown.clients.map(row)) : element("p", { class: "quiet", text: "Nobody." }));
  }

  async function load() {
    const place = read().words;
    const query = new URLSearchParams({ limit: PAGE });
    for (const name of ["stream", "subject", "after"]) if (place.get(name)) query.append(name, place.get(name));
    const [all, answer] = await Promise.all([get("/v1/streams"), get(`/v1/clients?${query}`)]);
    const row = stream => [stream.name, words.count(stream.clients), words.count(stream.behind), words.many(stream.lag, "entry", "entries")];
    replace(streams, table("Streams", ["Stream", "Clients", "Behind", "Largest lag"], all.streams.map(row)));
    [shown, further] = [answer, answer.next ?? null];
    draw();
  }

  async function disconnect(pressed, client) {
    const who = client.subject ? `${client.client} (${mask.text(client.subject)})` : client.client;
    if (!(await sure(`Disconnect client ${who}? It may come back.`, "Disconnect"))) return;
    await doing(pressed, async () => {
      const query = new URLSearchParams({ client: client.client, reason: "disconnected by the operator" });
      const done = await post(`/v1/disconnect?${query}`);
      notice(`${words.many(done.disconnected, "client")} disconnected`);
      await load();
    });
  }

  function update() {
    const place = read().words;
    pick.value = place.get("stream") ?? "";
    subject.value = place.get("subject") ?? "";
    doing(null, load);
  }

  update();
  const looking = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, EVERY);
  const unmask = mask.onChange(draw);
  return { root, update, stop: () => { clearInterval(looking); unmask(); } };
}
