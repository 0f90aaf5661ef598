// Looking for events in the whole log, the newest first.

import { get } from "./api.js";
import { button, choice, doing, element, field } from "./element.js";
import { eventList } from "./events.js";
import { onChange } from "./mask.js";
import { go, read } from "./place.js";
import * as words from "./words.js";

const PAGE = 100;
// A page of the log may have nothing in it: so many are looked at before the operator is asked.
const IN_VAIN = 20;
const TIMES = ["since", "until"];
const NAMES = ["id", "number", "kind", "webhook", "since", "until", "held"];

export function search({ status }) {
  const inputs = {
    id: element("input", { name: "id", placeholder: "16 hexadecimal digits", spellcheck: "false", autocomplete: "off" }),
    number: element("input", { name: "number", placeholder: "or its last digits", inputmode: "tel", autocomplete: "off" }),
    kind: element("input", { name: "kind", placeholder: "messages", autocomplete: "off" }),
    webhook: choice({ name: "webhook" }, [["", "Every webhook"], ...status().webhooks.map(({ name }) => name), ["@sent", "sent"]]),
    since: element("input", { name: "since", type: "datetime-local", step: 1 }),
    until: element("input", { name: "until", type: "datetime-local", step: 1 }),
    held: element("input", { name: "held", type: "checkbox" }),
  };
  const labels = { id: "Id", number: "Number", kind: "Kind", webhook: "Webhook", since: "From", until: "To", held: "Held" };
  const looking = element("button", { type: "submit", class: "primary", text: "Search" });
  const form = element("form", { class: "tools", role: "search", on: { submit: ask } }, NAMES.map(name => field(labels[name], inputs[name])), looking);
  const result = element("p", { class: "quiet", role: "status" });
  const more = button("More", pressed => doing(pressed.currentTarget, next), { hidden: true });
  const events = eventList("Found events, the newest first");
  const root = element("div", { class: "view filled" }, element("h1", { text: "Search" }), form, result, events.element, more);
  let found = [];
  let further = null;
  let asked = null;

  function ask(event) {
    event.preventDefault();
    const id = inputs.id.value.trim().toLowerCase();
    if (id) {
      go("search", { id, event: id });
      return;
    }
    const wanted = Object.fromEntries(NAMES.map(name => [name, said(name)]));
    if (JSON.stringify(query(new URLSearchParams(wanted))) === JSON.stringify(asked)) asked = null;
    go("search", { ...wanted, any: "1" });
    update();
  }

  // What an input says, as the address has it: of times UTC, so that a link means the same everywhere.
  function said(name) {
    if (name === "held") return inputs.held.checked ? "true" : "";
    const text = inputs[name].value.trim();
    return text && TIMES.includes(name) ? new Date(text).toISOString() : text;
  }

  // What the gateway is asked, by what the address says.
  function query(place) {
    const wanted = {};
    for (const name of ["number", "kind", "webhook", "held"]) {
      if (place.get(name)) wanted[name] = place.get(name);
    }
    for (const name of TIMES) {
      const date = new Date(place.get(name) || NaN);
      if (!Number.isNaN(date.getTime())) wanted[name] = date.toISOString();
    }
    return wanted;
  }

  function update() {
    const place = read().words;
    if (!place.has("any")) return;
    const wanted = query(place);
    if (asked !== null && JSON.stringify(wanted) === JSON.stringify(asked)) return;
    for (const name of NAMES) {
      const value = place.get(name) ?? "";
      if (name === "held") inputs.held.checked = value === "true";
      else inputs[name].value = value && TIMES.includes(name) ? local(value) : value;
    }
    [asked, found, further] = [wanted, [], null];
    events.show(found);
    doing(looking, next);
  }

  async function next() {
    const mine = asked;
    // Held ones are few, and are listed from the oldest.
    const [order, name] = mine.held ? [{}, "after"] : [{ newest: "true" }, "before"];
    for (let page = 0; page < IN_VAIN; page += 1) {
      result.textContent = "Searching…";
      const beyond = further ? { [name]: further } : {};
      const answer = await get(`/v1/events?${new URLSearchParams({ ...mine, ...order, ...beyond, limit: PAGE })}`)
        .catch(error => { result.textContent = ""; throw error; });
      // Another search was begun meanwhile.
      if (mine !== asked) return;
      found = [...found, ...answer.events];
      further = answer.next ?? null;
      events.show(found);
      if (answer.events.length > 0 || further === null) break;
    }
    more.hidden = further === null;
    more.textContent = found.length === 0 ? "Look further back" : "More";
    result.textContent = found.length === 0 && further === null ? "Nothing was found." : words.many(found.length, "event") + (further ? ", and perhaps more" : "");
  }

  const unmask = onChange(events.redraw);
  update();
  const focus = () => inputs[read().words.has("id") ? "id" : "number"].focus();
  return { root, update, keys: events.press, focus, stop: () => { unmask(); events.stop(); } };
}

// A time as the inputs for it have it: that of this place.
function local(date) {
  const time = new Date(date);
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
