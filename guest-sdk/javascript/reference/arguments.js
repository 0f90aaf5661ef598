/** The arguments of a step, which are text. */

import { who } from "postern-filter";

/** `everyone`, `clients:1,2`, `any:k=v,k=v`, `all:k=v,k=v`. */
export function selector(text = "everyone") {
  if (text === "everyone") return who.everyone;
  const [kind, rest] = cut(text, ":");
  switch (kind) {
    case "clients":
      return who.clients(...integers(rest));
    case "any":
      return who.anyLabel(labels(rest));
    case "all":
      return who.allLabels(labels(rest));
  }
  throw new Error(`no such selector: ${text}`);
}

/** `k=v,k=v`. */
export function labels(text) {
  return listed(text).map((label) => {
    const [key, value] = cut(label, "=");
    return { key, value };
  });
}

export const integers = (text) => listed(text).map(Number);

export const integer = (text) => (text === undefined ? undefined : Number(text));

const listed = (text) => (text ? text.split(",") : []);

function cut(text, at) {
  const place = text.indexOf(at);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + at.length)];
}
