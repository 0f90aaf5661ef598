// Making elements. What others wrote goes in as text only.

// `on` has listeners, `class` and `text` are what they say, all else are attributes; false and null leave one out.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "text") {
      made.textContent = value;
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined));
  return made;
}

export function button(text, press, properties = {}) {
  return element("button", { type: "button", text, on: { click: press }, ...properties });
}

// A table with a name. A row is a list of texts and elements.
export function table(caption, heads, rows) {
  const head = element("tr", {}, heads.map(text => element("th", { scope: "col", text })));
  const cells = row => row.map((cell, at) => element("td", { "data-head": heads[at] }, (cell ?? "") === "" ? "–" : cell));
  const body = element("tbody", {}, rows.map(row => element("tr", {}, cells(row))));
  return element("table", {}, element("caption", { text: caption }), element("thead", {}, head), body);
}

// An input with its label.
export function field(label, input) {
  return element("label", {}, element("span", { text: label }), input);
}

// A box of choices; each is a value, or a value and its text.
export function choice(properties, choices) {
  const options = choices.map(one => (Array.isArray(one) ? one : [one, one]));
  return element("select", properties, options.map(([value, text]) => element("option", { value, text })));
}

// What needs to be told now, and for a while.
let leaving;
export function notice(text, bad = false) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.classList.toggle("bad", bad);
  clearTimeout(leaving);
  leaving = setTimeout(() => { place.textContent = ""; }, bad ? 15_000 : 6_000);
}

// Does what a press asks for: not twice at once, and tells what went wrong.
export async function doing(pressed, work) {
  if (pressed) pressed.disabled = true;
  try {
    return await work();
  } catch (error) {
    notice(String(error.message ?? error), true);
    return undefined;
  } finally {
    if (pressed) pressed.disabled = false;
  }
}

// Puts new contents in, and keeps the focus on what has the same name.
export function replace(place, ...children) {
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
  place.replaceChildren(...children.flat().filter(child => child !== null && child !== undefined));
  if (held) [...place.querySelectorAll("[data-name]")].find(one => one.dataset.name === held)?.focus();
}
