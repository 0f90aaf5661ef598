/** What a filter answers: plain objects, so that a test compares them with `assert.deepEqual`. */

/** Whom something is for. */
export const who = Object.freeze({
  everyone: Object.freeze({ kind: "everyone" }),
  clients: (...ids) => ({ kind: "clients", ids: ids.flat() }),
  label: (key, value) => ({ kind: "allLabels", labels: [{ key, value }] }),
  anyLabel: (labels) => ({ kind: "anyLabel", labels: list(labels) }),
  allLabels: (labels) => ({ kind: "allLabels", labels: list(labels) }),
});

export const pass = () => ({ kind: "pass" });
export const drop = (reason) => ({ kind: "drop", reason });
export const rewrite = (body) => ({ kind: "rewrite", body });
export const send = (to, { body, except } = {}) => split([{ to, body, except }]);
export const split = (deliveries) => ({ kind: "send", deliveries });

export const allow = ({ subject, labels = {}, subprotocol, greeting } = {}) => {
  return { kind: "allow", subject, labels: list(labels), subprotocol, greeting };
};
export const deny = ({ status = 403, body = "", reason } = {}) => ({ kind: "deny", status, body, reason });

export const respond = (response = {}) => ({ kind: "respond", response });
export const accept = (body, response = {}) => ({ kind: "accept", body, response });

/** `{ room: ["a", "b"], desk: "night" }` as a list of labels; a list stays as it is. */
export function list(labels) {
  if (Array.isArray(labels)) return labels;
  return Object.entries(labels).flatMap(([key, values]) => [values].flat().map((value) => ({ key, value })));
}
