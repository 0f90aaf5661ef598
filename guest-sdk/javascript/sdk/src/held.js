/** The handles of the call under way. They end with it: who holds one longer is told so when it is used. */

let held = [];

export function keep(handle) {
  held.push(handle);
  return handle;
}

export function letGo() {
  for (const handle of held) handle[Symbol.dispose]?.();
  held = [];
}
