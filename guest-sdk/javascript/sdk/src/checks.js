/** What a filter hands over, looked at: the engine ends a call with a trap, and no word, when a value is of another type. */

/** A string; half a surrogate pair has no UTF-8 and becomes U+FFFD. */
export function string(value, what = "it") {
  if (typeof value !== "string") throw new TypeError(`${what} must be a string, and is ${kindOf(value)}`);
  return value.toWellFormed ? value.toWellFormed() : value;
}

export const optional = (value, what, lower) => (value === undefined || value === null ? null : lower(value, what));

/** A whole number that JavaScript holds exactly. */
export function integer(value, what, least = 0) {
  if (Number.isSafeInteger(value) && value >= least) return value;
  if (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`${what} is beyond 2^53, and a number of JavaScript's no longer holds it exactly`);
  }
  const given = typeof value === "number" ? value : kindOf(value);
  throw new TypeError(`${what} must be a whole number${least < 0 ? "" : ", not below 0"}, and is ${given}`);
}

/** A place in data, or how much of it: what is beyond all data is as good as its end. */
export function extent(value, what) {
  return integer(Number.isInteger(value) || value === Infinity ? Math.min(value, Number.MAX_SAFE_INTEGER) : value, what);
}

export function number(value, what) {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number, and is ${kindOf(value)}`);
  return value;
}

export function oneOf(value, what, values) {
  if (values.includes(value)) return value;
  throw new TypeError(`${what} must be one of ${values.join(", ")}, and is ${kindOf(value)}`);
}

/** What a value is, without showing it: it may be somebody's mail. */
export function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
