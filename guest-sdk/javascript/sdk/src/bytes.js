/**
 * Text to bytes and back. QuickJS has no TextEncoder and no TextDecoder, and a loop over bytes takes a tenth of a microsecond
 * for each: what is built into it does the work, by way of Base64.
 */

const encoder = typeof TextEncoder === "function" ? new TextEncoder() : undefined;
const decoder = typeof TextDecoder === "function" ? new TextDecoder("utf-8", { ignoreBOM: true }) : undefined;

/** The UTF-8 of a text. Half a surrogate pair becomes U+FFFD. */
export function encode(text) {
  if (encoder) return encoder.encode(text);
  return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text.toWellFormed()))));
}

/** The text whose UTF-8 this is. What is not UTF-8 becomes U+FFFD. */
export function decode(bytes) {
  if (decoder) return decoder.decode(bytes);
  const latin = atob(bytes.toBase64());
  if (!/[\x80-\xff]/.test(latin)) return latin;
  try {
    return decodeURIComponent(escape(latin));
  } catch {
    return mend(latin);
  }
}

/** Lower-case hexadecimal digits. */
export function toHex(bytes) {
  if (bytes.toHex) return bytes.toHex();
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of hexadecimal digits, two each; `undefined` when they are not that. */
export function fromHex(text) {
  if (typeof text !== "string" || text.length % 2 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** Sequences of UTF-8 that are whole, and below them any byte that is not ASCII, which then belongs to none. */
const SEQUENCE =
  /[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}|[\x80-\xff]/g;

function mend(latin) {
  return latin.replace(SEQUENCE, (bytes) => (bytes.length === 1 ? "\ufffd" : decodeURIComponent(escape(bytes))));
}
