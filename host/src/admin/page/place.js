// Where the operator is: the view and what it shows, in the address's fragment, so that it can be linked, and never sent
// anywhere.

export function read() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  return { view: view || "live", words: new URLSearchParams(query) };
}

export function link(view, words = {}) {
  const said = Object.entries(words).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(said).toString();
  return `#${view}${query ? `?${query}` : ""}`;
}

export function go(view, words = {}) {
  location.hash = link(view, words);
}

// Says some words anew and keeps the others; null takes one away.
export function change(changes) {
  const { view, words } = read();
  go(view, { ...Object.fromEntries(words), ...changes });
}
