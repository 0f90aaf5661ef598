// Sending something to clients.

import { call } from "./api.js";
import { choice, doing, element, field, notice } from "./element.js";
import { change } from "./place.js";
import * as words from "./words.js";

export function send({ status }) {
  const body = element("textarea", { name: "body", rows: 6, required: true });
  const type = choice({ name: "type" }, [["text/plain", "Text"], ["application/json", "JSON"]]);
  const stream = choice({ name: "stream" }, [["", "Every stream"], ...status().streams]);
  const label = element("input", { name: "label", placeholder: "KEY:VALUE, several by commas", autocomplete: "off" });
  const subject = element("input", { name: "subject", autocomplete: "off" });
  const client = element("input", { name: "client", placeholder: "16 hexadecimal digits", autocomplete: "off" });
  const kind = element("input", { name: "kind", placeholder: "send", maxlength: 64, autocomplete: "off" });
  const press = element("button", { type: "submit", class: "primary", text: "Send" });
  const said = element("p", { role: "status" });
  const fields = [field("Stream", stream), field("Labels", label), field("Subject", subject), field("Client", client), field("Kind", kind), field("As", type)];
  const form = element("form", { class: "form", on: { submit: deliver } }, field("Message", body), fields, element("p", { class: "buttons" }, press));
  const root = element("div", { class: "view" }, element("h1", { text: "Send" }), form, said);
  // A second press after a lost answer is the same send.
  let key = fresh();
  form.addEventListener("input", () => { key = fresh(); });

  async function deliver(event) {
    event.preventDefault();
    const query = new URLSearchParams();
    const add = (name, value) => { if (value.trim()) query.append(name, value.trim()); };
    add("stream", stream.value);
    label.value.split(",").forEach(one => add("label", one));
    add("subject", subject.value);
    add("client", client.value);
    add("kind", kind.value);
    await doing(press, async () => {
      if (type.value === "application/json") check(body.value);
      const answer = await call("POST", `/v1/send?${query}`, { body: body.value, type: type.value, headers: { "idempotency-key": key } });
      const sent = await answer.json();
      const open = element("button", { type: "button", class: "link", text: sent.id, on: { click: () => change({ event: sent.id }) } });
      said.replaceChildren(sent.duplicate ? "It was sent before, as event " : "Sent, as event ", open, ` for ${words.many(sent.clients, "client")} connected now.`);
      notice("Sent");
      key = fresh();
    });
  }

  return { root, focus: () => body.focus(), stop: () => {} };
}

function check(text) {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Error(`The message is not JSON: ${error.message}`);
  }
}

function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, "0")).join("");
}
