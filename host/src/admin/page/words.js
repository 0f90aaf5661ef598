// Numbers and times as people read them.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });
const OTHER = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const PLAIN = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function clock(date) {
  const time = new Date(date);
  return `${CLOCK.format(time)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

// The time of a day that is today; else the day, and the time in short.
export function when(date) {
  const time = new Date(date);
  return time.toDateString() === new Date().toDateString() ? clock(date) : OTHER.format(time);
}

export function day(date) {
  return DAY.format(new Date(date));
}

export function count(number) {
  return COUNT.format(number);
}

export function rate(number) {
  return number < 10 ? PLAIN.format(number) : COUNT.format(number);
}

// A time given in seconds.
export function seconds(time) {
  if (time === null || !Number.isFinite(time)) return "–";
  if (time < 1e-3) return `${PLAIN.format(time * 1e6)} µs`;
  if (time < 1) return `${PLAIN.format(time * 1e3)} ms`;
  return `${PLAIN.format(time)} s`;
}

export function micros(time) {
  return seconds(time / 1e6);
}

export function bytes(size) {
  if (size < 1024) return `${size} B`;
  if (size < 1 << 20) return `${PLAIN.format(size / 1024)} KiB`;
  return `${PLAIN.format(size / (1 << 20))} MiB`;
}

export function short(sha256) {
  return sha256 ? sha256.slice(0, 8) : "–";
}

export function many(number, one, several = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : several}`;
}
