// Reading metrics: the text form of OpenMetrics, and what two samples of it say of the time between them.

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

// A map from names to lists of `{ labels, value }`.
export function parse(text) {
  const all = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line[0] === "#") continue;
    const brace = line.indexOf("{");
    const close = line.lastIndexOf("}");
    const [name, labels, rest] = brace < 0 || close < brace
      ? [line.slice(0, line.indexOf(" ")), {}, line.slice(line.indexOf(" ") + 1)]
      : [line.slice(0, brace), labelled(line.slice(brace + 1, close)), line.slice(close + 2)];
    if (!all.has(name)) all.set(name, []);
    all.get(name).push({ labels, value: Number(rest.split(" ")[0]) });
  }
  return all;
}

function labelled(text) {
  const labels = {};
  for (const [, name, value] of text.matchAll(LABEL)) labels[name] = value.replace(/\\(.)/g, "$1");
  return labels;
}

// The sum of a metric over all that carry these labels.
export function sum(all, name, labels = {}) {
  const wanted = Object.entries(labels);
  return (all.get(name) ?? [])
    .filter(sample => wanted.every(([label, value]) => sample.labels[label] === value))
    .reduce((total, sample) => total + sample.value, 0);
}

// Below what time a part of what a histogram observed between two samples was; null when that was nothing. Within a
// bucket all times are taken to be as likely.
export function quantile(before, after, name, part, labels = {}) {
  const buckets = cumulated(after, name, labels);
  const old = before ? cumulated(before, name, labels) : new Map();
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const grown = bounds.map(bound => buckets.get(bound) - (old.get(bound) ?? 0));
  const total = grown.at(-1) ?? 0;
  if (!(total > 0)) return null;
  const wanted = total * part;
  const at = grown.findIndex(count => count >= wanted);
  const [low, under] = at === 0 ? [0, 0] : [bounds[at - 1], grown[at - 1]];
  if (bounds[at] === Infinity) return low;
  return low + (bounds[at] - low) * ((wanted - under) / Math.max(grown[at] - under, 1e-9));
}

function cumulated(all, name, labels) {
  const wanted = Object.entries(labels);
  const buckets = new Map();
  for (const sample of all.get(`${name}_bucket`) ?? []) {
    if (!wanted.every(([label, value]) => sample.labels[label] === value)) continue;
    const bound = sample.labels.le === "+Inf" ? Infinity : Number(sample.labels.le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
  return buckets;
}
