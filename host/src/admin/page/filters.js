// The filters at work: how their calls fare, which version is in force; to put another in its place, and the one before
// back.

import { call, get, post } from "./api.js";
import { sure } from "./dialog.js";
import { button, doing, element, notice } from "./element.js";
import { samples } from "./header.js";
import { quantile, sum } from "./metrics.js";
import * as words from "./words.js";

const EVERY = 2000;
const LARGEST = 64 << 20;

export function filters() {
  const cards = element("div", { class: "cards" });
  const said = element("p", { class: "quiet" });
  const root = element("div", { class: "view" }, element("h1", { text: "Filters" }), said, cards);
  const shown = new Map();

  async function load() {
    const all = await get("/v1/filters");
    said.textContent = all.length === 0 ? "No filter is configured." : "";
    for (const filter of all) {
      if (!shown.has(filter.name)) {
        shown.set(filter.name, card(filter.name, load));
        cards.append(shown.get(filter.name).root);
      }
      shown.get(filter.name).show(filter);
    }
    for (const [name, { root }] of shown) {
      if (all.some(filter => filter.name === name)) continue;
      root.remove();
      shown.delete(name);
    }
  }

  doing(null, load);
  const looking = setInterval(() => { if (!document.hidden) load().catch(() => {}); }, EVERY);
  return { root, stop: () => clearInterval(looking) };
}

function card(name, reload) {
  const facts = element("dl", {});
  const input = element("input", { type: "file", accept: ".wasm,application/wasm", class: "file", "aria-label": `Swap ${name} for a component`, on: { change: swap } });
  const back = button("Roll back", rollBack, { "aria-label": `Roll back ${name}` });
  const pick = element("label", { class: "button" }, `Swap…`, input);
  const warning = element("p", { class: "warning", role: "status" });
  const buttons = element("p", { class: "buttons" }, pick, back);
  const root = element("section", { class: "card", "data-filter": name, "aria-label": `Filter ${name}` }, element("h2", { text: name }), warning, facts, buttons);

  function show(filter) {
    const labels = { filter: name };
    const [before, after] = samples();
    const per = (metric, more = {}) => (before ? (sum(after.all, metric, { ...labels, ...more }) - sum(before.all, metric, { ...labels, ...more })) / (after.at - before.at) : 0);
    const time = part => words.seconds(after ? quantile(before?.all, after.all, "postern_filter_seconds", part, labels) ?? quantile(null, after.all, "postern_filter_seconds", part, labels) : null);
    const said = [
      ["Calls", `${words.count(filter.answered + filter.failed)}, ${words.rate(per("postern_filter_calls_total") + per("postern_filter_shadow_calls_total"))} a second`],
      ["Failed", `${words.count(filter.failed)}, ${words.rate(per("postern_filter_failures_total"))} a second`],
      ["Time", `median ${time(0.5)}, p99 ${time(0.99)}`],
      ["Memory", after ? words.bytes(sum(after.all, "postern_filter_memory_bytes", labels)) : "–"],
      ["Version", element("code", { class: "version", title: filter.sha256, text: words.short(filter.sha256) })],
      ["From", filter.origin],
      ["Size", words.bytes(filter.size)],
      ["For", filter.handlers.join(", ")],
      ["Instances", filter.instances === "reuse" ? `used again, ${filter.idle_instances} wait` : "one a call"],
      ["Before it", filter.previous && element("code", { class: "previous", title: filter.previous, text: words.short(filter.previous) })],
      ["On probation", filter.probation_s !== undefined && `for ${filter.probation_s} s`],
      ["Given up", filter.rejected && `${words.short(filter.rejected.sha256)}: ${filter.rejected.why}`],
    ];
    facts.replaceChildren(...said.filter(([, value]) => value).flatMap(([term, value]) => [element("dt", { text: term }), element("dd", {}, value)]));
    const aside = filter.set_aside_ms !== undefined ? `Set aside for ${words.seconds(filter.set_aside_ms / 1000)}: it failed too often.` : "";
    const text = filter.shadow ? "In shadow: what it says is not done." : aside;
    if (warning.textContent !== text) warning.textContent = text;
    back.disabled = !filter.previous;
  }

  async function swap() {
    const file = input.files[0];
    input.value = "";
    if (!file) return;
    if (file.size > LARGEST) {
      notice(`${file.name} is larger than 64 MiB`, true);
      return;
    }
    if (!(await sure(`Put ${file.name} in the place of ${name}, from the next event on?`, "Swap"))) return;
    await doing(input, async () => {
      const change = await (await call("PUT", `/v1/filters/${encodeURIComponent(name)}`, { body: file, type: "application/wasm" })).json();
      const kept = change.kept ? "" : " It could not be kept for the next start.";
      notice(change.from === change.to ? `${name}: that is the version in force` : `${name}: ${words.short(change.to)} is in force.${kept}`);
      await reload();
    });
  }

  async function rollBack() {
    if (!(await sure(`Put the version before back in the place of ${name}?`, "Roll back"))) return;
    await doing(back, async () => {
      const change = await post(`/v1/filters/${encodeURIComponent(name)}/rollback`);
      notice(`${name}: ${words.short(change.to)} is back`);
      await reload();
    });
    await reload().catch(() => {});
  }

  return { root, show };
}
