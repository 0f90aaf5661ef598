// Phone numbers, masked until they are asked for: in keys, in bodies, in whatever a filter said.

const NUMBERS = new Set([
  "wa_id", "from", "to", "recipient_id", "phone", "phone_number", "display_phone_number", "user_id", "phone_number_id",
  "user", "waba", "customer_wa_id",
]);
const TIMES = new Set(["timestamp", "time", "expiration_timestamp", "created_at", "creation_timestamp"]);

let shown = false;
const listeners = new Set();

export function areShown() {
  return shown;
}

export function show(them) {
  shown = them;
  listeners.forEach(listener => listener());
}

// Calls back when numbers are shown or masked, until what is returned is called.
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// A number: of its digits the last two are left.
export function number(text) {
  if (shown || text === undefined || text === null) return text ?? "";
  const digits = [...String(text)].filter(isDigit).length;
  let seen = 0;
  return String(text).replace(/\d/g, digit => (++seen > digits - 2 ? digit : "•"));
}

// A text: each long run of digits in it, however it is parted, and WhatsApp's ids, in which the number is only encoded.
export function text(given) {
  if (shown || given === undefined || given === null) return given ?? "";
  return String(given)
    .replace(/wamid\.[A-Za-z0-9+/=_-]+/g, id => `wamid.•••${id.slice(-4)}`)
    .replace(/\+?\d(?:[\s().-]?\d){6,}/g, run => number(run));
}

// One value of a body, by the name of its field.
export function value(given, field) {
  if (shown || TIMES.has(field)) return given;
  if (NUMBERS.has(field)) return number(given);
  if (typeof given === "string") return text(given);
  return String(given).length > 9 ? number(given) : given;
}

function isDigit(letter) {
  return letter >= "0" && letter <= "9";
}
