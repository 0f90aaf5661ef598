// Asking the operator: whether he is sure, and for the token.

import { button, element, field } from "./element.js";

// Whether it is to be done.
export function sure(question, yes) {
  return ask(question, () => [], yes, () => true, false);
}

// The token, or null.
export function token(wasWrong) {
  const input = element("input", { type: "password", name: "token", autocomplete: "current-password", required: true });
  const words = wasWrong ? "That token was wrong. The admin token:" : "This gateway asks for its admin token.";
  return ask(words, () => [field("Token", input)], "Continue", () => input.value || null, null);
}

function ask(words, contents, yes, value, otherwise) {
  return new Promise(answer => {
    const before = document.activeElement;
    let outcome = otherwise;
    const close = () => dialog.close();
    const accept = event => { event.preventDefault(); outcome = value(); close(); };
    const confirm = element("button", { type: "submit", class: "primary", text: yes });
    const buttons = element("p", { class: "buttons" }, button("Cancel", close), confirm);
    const title = element("h2", { id: "dialog-title", text: words });
    const form = element("form", { on: { submit: accept } }, title, contents(), buttons);
    const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus?.();
      answer(outcome);
    });
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input") ?? confirm).focus();
  });
}
