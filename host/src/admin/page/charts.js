// Throughput and latency over the last minutes, drawn by uPlot.

import { element } from "./element.js";
import * as words from "./words.js";

const LENGTH = 180;

// One chart: `lines` are names and how each is drawn, `say` makes a text of a value, `least` is the least its height is for.
export function chart(label, lines, say, least) {
  const place = element("div", { class: "chart", role: "img", "aria-label": label });
  const legend = element("p", { class: "legend" });
  const values = lines.map(({ name, colour }) => {
    const value = element("b", { text: "–" });
    legend.append(element("span", { class: `key ${colour}` }, `${name} `, value));
    return value;
  });
  const root = element("figure", {}, element("figcaption", {}, element("strong", { text: label }), legend), place);
  const data = [[], ...lines.map(() => [])];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let plot = null;

  function make() {
    plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    plot = new window.uPlot({
      width: Math.max(place.clientWidth, 120),
      height: place.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most * 1.1, least)] } },
      axes: [{ ...axis, size: 22, space: 70 }, { ...axis, size: 62, space: 30, values: (_, splits) => splits.map(say) }],
      series: [{}, ...lines.map(line => ({ stroke: colour(line.colour), width: 1.5, points: { show: false }, spanGaps: true }))],
    }, data, place);
  }

  // Adds a moment; null is where there is nothing to say.
  function add(at, next) {
    data[0].push(at);
    next.forEach((value, line) => {
      data[line + 1].push(value);
      values[line].textContent = value === null ? "–" : say(value);
    });
    if (data[0].length > LENGTH) data.forEach(line => line.shift());
    const told = lines.map(({ name }, line) => `${name} ${values[line].textContent}`).join(", ");
    place.setAttribute("aria-label", `${label}: ${told}`);
    if (place.clientWidth === 0) return;
    if (plot === null) make();
    else plot.setData(data);
  }

  new ResizeObserver(() => {
    if (plot && place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: place.clientHeight });
  }).observe(place);
  dark.addEventListener("change", () => { if (plot) make(); });
  return { root, add };
}

export function perSecond(value) {
  return words.rate(value);
}
