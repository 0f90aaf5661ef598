// Where events are forwarded to: how far each target is, and what could not be given to it.

import { get, post } from "./api.js";
import { sure } from "./dialog.js";
import { button, doing, element, notice, replace, table } from "./element.js";
import { onChange, text } from "./mask.js";
import { change } from "./place.js";
import * as words from "./words.js";

const EVERY = 3000;

// Whether this gateway has any.
export async function areThere() {
  try {
    return (await get("/v1/targets")).targets.length > 0;
  } catch {
    return false;
  }
}

export function targets() {
  const list = element("div", { class: "wide" });
  const letters = element("div", { class: "wide" });
  const root = element("div", { class: "view" }, element("h1", { text: "Targets" }), list, letters);
  let shown = [];
  let open = null;
  let dead = [];

  function draw() {
    const row = target => [
      target.name,
      target.url,
      element("span", { class: "state", "data-state": target.state, text: target.state }),
      words.count(target.behind),
      words.count(target.delivered),
      words.count(target.failed) + (target.missed > 0 ? `, ${words.count(target.missed)} missed` : ""),
      target.dead > 0 ? button(words.many(target.dead, "dead letter"), () => show(target.name), { "data-name": `dead ${target.name}` }) : "0",
      [target.last_error && text(target.last_error), target.retry_at && `again at ${words.when(target.retry_at)}`].filter(Boolean).join("; "),
      target.state === "working" ? "" : button("Try now", pressed => resume(pressed.currentTarget, target.name), { "aria-label": `Try ${target.name} now`, "data-name": `try ${target.name}` }),
    ];
    replace(list, table("Targets", ["Target", "Address", "State", "Behind", "Delivered", "Failed", "Dead", "Last error", "Do"], shown.map(row)));
    if (open === null) return;
    const letter = one => [
      button(words.day(one.received), () => change({ event: one.id }), { class: "link", "data-name": `event ${one.cursor}` }),
      `${one.webhook} · ${one.kind}`,
      words.count(one.attempts),
      text(one.last_error ?? ""),
      button("Retry", pressed => retry(pressed.currentTarget, { cursors: [one.cursor] }), { "aria-label": `Retry ${one.id}`, "data-name": `retry ${one.cursor}` }),
    ];
    const every = button("Retry all", async pressed => {
      const target = pressed.currentTarget;
      if (await sure(`Give every dead letter to ${open} again?`, "Retry all")) await retry(target, {});
    }, { "data-name": "all" });
    const contents = dead.length > 0
      ? [element("p", { class: "buttons" }, every), table(`Dead letters of ${open}`, ["Received", "What", "Attempts", "Last error", "Do"], dead.map(letter))]
      : [element("p", { class: "quiet", text: `${open} has no dead letters.` })];
    replace(letters, ...contents);
  }

  async function load() {
    shown = (await get("/v1/targets")).targets;
    if (open !== null) dead = (await get(`/v1/targets/${encodeURIComponent(open)}/dead`)).dead;
    draw();
  }

  function show(name) {
    open = name;
    doing(null, load);
  }

  async function resume(pressed, name) {
    await doing(pressed, async () => {
      await post(`/v1/targets/${encodeURIComponent(name)}/resume`);
      notice(`${name} is tried again`);
      await load();
    });
  }

  async function retry(pressed, which) {
    await doing(pressed, async () => {
      await post(`/v1/targets/${encodeURIComponent(open)}/retry`, which);
      notice(`${open} is tried again`);
      await load();
    });
  }

  doing(null, load);
  const looking = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, EVERY);
  const unmask = onChange(draw);
  return { root, stop: () => { clearInterval(looking); unmask(); } };
}
