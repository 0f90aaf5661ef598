// A list of any length of which only what is in sight has elements: those are few, and used again as it moves.

import { element } from "./element.js";

const SPARE = 4;
let lists = 0;

// `fill` writes an item into a row, `open` is called for one that is chosen. A row's `parts` are elements by their name.
export function list({ label, parts, fill, open }) {
  const name = `list-${++lists}`;
  const rows = element("ul", { role: "listbox", "aria-label": label, tabindex: 0, id: name });
  const frame = element("div", { class: "list" }, rows);
  const pool = [];
  let items = [];
  let chosen = -1;
  let chosenItem = null;
  let asked = false;

  // Of a row. It is the style sheet's to say, and to ask it costs a layout.
  let each = 40;

  function make() {
    const row = element("li", { role: "option", class: "row" });
    const made = {};
    for (const part of parts) {
      made[part] = element("span", { class: part });
      row.append(made[part]);
    }
    rows.append(row);
    return { row, parts: made };
  }

  function draw() {
    asked = false;
    // All that is asked of the layout is asked before anything is changed.
    const [top, high] = [frame.scrollTop, frame.clientHeight];
    const first = Math.max(0, Math.floor(top / each) - SPARE);
    const last = Math.min(items.length, Math.ceil((top + high) / each) + SPARE);
    const whole = `${items.length * each}px`;
    if (rows.style.height !== whole) rows.style.height = whole;
    while (pool.length < last - first) pool.push(make());
    pool.forEach((slot, place) => {
      const at = first + place;
      slot.row.hidden = at >= last;
      if (slot.row.hidden) return;
      if (slot.at !== at || slot.each !== each) {
        [slot.at, slot.each] = [at, each];
        slot.row.style.transform = `translateY(${at * each}px)`;
        slot.row.id = `${name}-${at}`;
        slot.row.dataset.at = at;
        slot.row.setAttribute("aria-posinset", at + 1);
      }
      attribute(slot.row, "aria-setsize", items.length);
      attribute(slot.row, "aria-selected", at === chosen);
      fill(slot.parts, items[at], slot.row);
    });
    if (chosen >= first && chosen < last) rows.setAttribute("aria-activedescendant", `${name}-${chosen}`);
    else rows.removeAttribute("aria-activedescendant");
  }

  // At most once a frame.
  function redraw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  // Shows other items. What the operator reads stays where it is, unless he is at the top, where the new ones come.
  function show(next, added = 0) {
    items = next;
    if (chosenItem !== null) chosen = items.indexOf(chosenItem);
    if (added > 0 && frame.scrollTop > 0) frame.scrollTop += added * each;
    redraw();
  }

  function choose(at) {
    if (items.length === 0) return;
    chosen = Math.max(0, Math.min(items.length - 1, at));
    chosenItem = items[chosen];
    const top = chosen * each;
    if (top < frame.scrollTop) frame.scrollTop = top;
    if (top + each > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + each - frame.clientHeight;
    redraw();
  }

  // What keys do, here and, for j and k, wherever nothing is written.
  function press(key) {
    const page = Math.max(1, Math.floor(frame.clientHeight / each) - 1);
    const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (key in moves) choose(chosen + moves[key]);
    else if (key === "Home") choose(0);
    else if (key === "End") choose(items.length - 1);
    else if (key === "Enter" && chosen >= 0) open(items[chosen]);
    else return false;
    return true;
  }

  rows.addEventListener("keydown", event => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  rows.addEventListener("focus", () => { if (chosen < 0) choose(0); });
  rows.addEventListener("click", event => {
    const row = event.target.closest("[role=option]");
    if (!row) return;
    choose(Number(row.dataset.at));
    open(items[chosen]);
  });
  frame.addEventListener("scroll", redraw, { passive: true });
  const resized = new ResizeObserver(() => {
    each = parseFloat(getComputedStyle(frame).getPropertyValue("--row")) || each;
    redraw();
  });
  resized.observe(frame);

  return { element: frame, show, redraw, press, focus: () => rows.focus(), stop: () => resized.disconnect() };
}

// What has not changed is not written again.
function attribute(row, name, value) {
  if (row.getAttribute(name) !== String(value)) row.setAttribute(name, value);
}
