// What stands above all views: how the gateway is, its throughput and latency, and to pause it.

import { call, get, post } from "./api.js";
import { chart, perSecond } from "./charts.js";
import { sure } from "./dialog.js";
import { button, doing, element, notice } from "./element.js";
import * as mask from "./mask.js";
import { parse, quantile, sum } from "./metrics.js";
import * as words from "./words.js";

const EVERY = 1000;

let status = { webhooks: [], streams: [], held: 0 };
let last = [null, null];

// What was told last of the gateway.
export function now() {
  return status;
}

// The last two samples of the metrics: when, in seconds, and all of them.
export function samples() {
  return last;
}

// Draws the header and keeps it up to date; `told` is called with each new status.
export async function start(told) {
  const phase = element("span", { class: "phase", role: "status", text: "…" });
  const facts = element("p", { class: "facts" });
  const pause = button("Pause webhooks", press);
  const numbers = element("input", { type: "checkbox", on: { change: () => mask.show(numbers.checked) } });
  const brand = element("p", { class: "brand" }, element("b", { text: "Postern" }), " ", phase);
  const switches = element("p", { class: "switches" }, element("label", { class: "switch" }, numbers, "Show numbers"), pause);
  const throughput = chart("Throughput", [{ name: "webhooks/s", colour: "accent" }, { name: "frames/s", colour: "second" }], perSecond, 1);
  const latency = chart("Latency", [{ name: "200 p50", colour: "accent" }, { name: "200 p99", colour: "second" }, { name: "socket p99", colour: "third" }], words.seconds, 0.001);
  const charts = element("div", { class: "charts" }, throughput.root, latency.root);
  document.getElementById("header").append(element("div", { class: "bar" }, brand, facts, switches), charts);

  async function press() {
    const pausing = !status.paused;
    if (pausing && !(await sure("Turn webhooks away with 503, until they are resumed?", "Pause webhooks"))) return;
    await doing(pause, async () => {
      await post(pausing ? "/v1/pause" : "/v1/resume");
      notice(pausing ? "Webhooks are turned away" : "Webhooks are taken again");
      await look();
    });
  }

  async function look() {
    status = await get("/v1/status");
    const text = status.paused ? "paused" : status.healthy ? status.phase : "the journal cannot write";
    if (phase.textContent !== text) phase.textContent = text;
    phase.dataset.phase = text === "serving" ? "good" : "bad";
    pause.textContent = status.paused ? "Resume webhooks" : "Pause webhooks";
    told(status);
  }

  async function measure() {
    const all = parse(await (await call("GET", "/metrics")).text());
    const [before, after] = last = [last[1], { at: performance.now() / 1000, all }];
    const lag = status.webhooks.reduce((most, webhook) => Math.max(most, webhook.lag), 0);
    facts.textContent = [
      words.many(sum(all, "postern_clients"), "client"),
      words.many(status.held, "held event"),
      `dispatch ${lag === 0 ? "is up to date" : `is ${words.count(lag)} behind`}`,
      `version ${status.version}`,
    ].join(" · ");
    if (!before) return;
    const per = (name, labels) => Math.max(0, sum(all, name, labels) - sum(before.all, name, labels)) / (after.at - before.at);
    const time = (name, part) => quantile(before.all, all, name, part);
    const at = Date.now() / 1000;
    throughput.add(at, [per("postern_webhooks_total"), per("postern_frames_sent_total")]);
    latency.add(at, [time("postern_webhook_seconds", 0.5), time("postern_webhook_seconds", 0.99), time("postern_webhook_last_socket_seconds", 0.99)]);
  }

  await look();
  const round = async () => {
    if (!document.hidden) {
      try {
        await look();
        await measure();
      } catch (error) {
        phase.textContent = error.status ? error.message : "not reachable";
        phase.dataset.phase = "bad";
      }
    }
    setTimeout(round, EVERY);
  };
  round();
}
