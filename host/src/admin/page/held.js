// Events that a filter could not judge, the oldest first: to be tried again, one or all.

import { get, post } from "./api.js";
import { sure } from "./dialog.js";
import { button, doing, element, notice, replace, table } from "./element.js";
import * as mask from "./mask.js";
import { change } from "./place.js";
import * as words from "./words.js";

const PAGE = 100;
const EVERY = 3000;

export function held() {
  const rows = element("div", { class: "wide" });
  const said = element("p", { class: "quiet" });
  const every = button("Retry all", async pressed => {
    const target = pressed.currentTarget;
    if (await sure("Have every held event judged again?", "Retry all")) await retry(target, { all: true });
  });
  const root = element("div", { class: "view" }, element("h1", { text: "Held" }), element("p", { class: "buttons" }, every, said), rows);
  let events = [];
  let further = null;

  function draw() {
    every.disabled = events.length === 0;
    said.textContent = events.length === 0 ? "No event is held." : "";
    const row = event => [
      button(words.day(event.received), () => change({ event: event.id }), { class: "link", "data-name": event.id }),
      `${event.webhook} · ${event.kind}`,
      mask.number(event.keys.user ?? ""),
      event.filter,
      mask.text(event.reason),
      button("Retry", pressed => retry(pressed.currentTarget, { ids: [event.id] }), { "aria-label": `Retry ${event.id}`, "data-name": `retry ${event.id}` }),
    ];
    const heads = ["Received", "What", "User", "Held by", "Why", "Do"];
    const more = further && element("p", { class: "quiet", text: `The oldest ${events.length} are shown.` });
    replace(rows, events.length > 0 ? table("Held events", heads, events.map(row)) : null, more);
  }

  async function load() {
    const answer = await get(`/v1/events?held=true&limit=${PAGE}`);
    if (JSON.stringify(answer.events) === JSON.stringify(events)) return;
    [events, further] = [answer.events, answer.next];
    draw();
  }

  async function retry(pressed, which) {
    await doing(pressed, async () => {
      const done = await post("/v1/events/retry", which);
      notice(`${words.many(done.retried, "event")} tried: ${done.delivered} delivered, ${done.dropped} dropped, ${done.held} still held`);
      await load();
    });
  }

  draw();
  doing(null, load);
  const looking = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, EVERY);
  const unmask = mask.onChange(draw);
  return { root, stop: () => { clearInterval(looking); unmask(); } };
}
