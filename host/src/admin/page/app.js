// The page: its views, and the keys that lead through them.

import { tokensFrom } from "./api.js";
import { clients } from "./clients.js";
import { token } from "./dialog.js";
import { element, notice } from "./element.js";
import * as event from "./event.js";
import { filters } from "./filters.js";
import * as header from "./header.js";
import { held } from "./held.js";
import * as tap from "./live.js";
import { go, link, read } from "./place.js";
import { search } from "./search.js";
import { send } from "./send.js";
import * as forward from "./targets.js";

const VIEWS = {
  live: ["Live", tap.live],
  search: ["Search", search],
  held: ["Held", held],
  clients: ["Clients", clients],
  filters: ["Filters", filters],
  targets: ["Targets", forward.targets],
  send: ["Send", send],
};

const main = document.getElementById("main");
const links = new Map();
let name = null;
let view = null;

function show() {
  const asked = read().view;
  const wanted = Object.hasOwn(VIEWS, asked) ? asked : "live";
  if (wanted === name) {
    view.update?.();
  } else {
    view?.stop();
    name = wanted;
    view = VIEWS[name][1]({ status: header.now });
    main.replaceChildren(view.root);
    document.title = `${VIEWS[name][0]} – Postern`;
    for (const [one, anchor] of links) {
      if (one === name) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
  }
  event.update();
}

function navigation() {
  const items = Object.entries(VIEWS).map(([one, [title]]) => {
    const anchor = element("a", { href: link(one), text: title });
    links.set(one, anchor);
    return element("li", { hidden: one === "targets", id: `view-${one}` }, anchor);
  });
  document.getElementById("views").append(element("ul", {}, items));
}

function countHeld({ held }) {
  links.get("held").textContent = held > 0 ? `Held (${held})` : "Held";
}

function press(key) {
  const { target } = key;
  const writes = target.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (key.key === "Escape" && event.isOpen() && !target.closest("dialog")) {
    event.close();
  } else if (writes || key.ctrlKey || key.metaKey || key.altKey) {
    return;
  } else if (key.key === "/") {
    if (name !== "search") {
      go("search");
      show();
    }
    view.focus();
  } else if ((key.key === "j" || key.key === "k") && view.keys) {
    view.keys(key.key);
    if (!target.closest("#event")) view.root.querySelector("[role=listbox]")?.focus({ preventScroll: true });
  } else {
    return;
  }
  key.preventDefault();
}

async function start() {
  navigation();
  event.start();
  tokensFrom(token);
  try {
    await header.start(countHeld);
  } catch (error) {
    notice(error.message, true);
    const again = element("button", { type: "button", text: "Try again", on: { click: () => location.reload() } });
    main.replaceChildren(element("h1", { text: "Postern" }), element("p", { text: error.message }), again);
    return;
  }
  addEventListener("hashchange", show);
  addEventListener("keydown", press);
  // The fragment is the view's: the link goes there by itself.
  document.getElementById("skip").addEventListener("click", click => {
    click.preventDefault();
    main.focus();
  });
  show();
  tap.start();
  if (await forward.areThere()) document.getElementById("view-targets").hidden = false;
}

start();
