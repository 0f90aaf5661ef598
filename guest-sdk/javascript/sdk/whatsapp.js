/** Ways into what WhatsApp delivers; its shapes are in `whatsapp.d.ts`. All of them take what is missing for nothing. */

const listed = (value) => (Array.isArray(value) ? value : []);
const values = (envelope) => listed(envelope?.entry).flatMap((entry) => listed(entry?.changes)).flatMap((change) => change?.value ?? []);

export const messages = (envelope) => values(envelope).flatMap((value) => listed(value.messages));

export const statuses = (envelope) => values(envelope).flatMap((value) => listed(value.statuses));

export const phoneNumberIds = (envelope) => [...new Set(values(envelope).flatMap((value) => value.metadata?.phone_number_id ?? []))];

export const sender = (message) => message?.from_user_id ?? message?.from;

export function words(message) {
  const { text, button, interactive, image, video, document } = message ?? {};
  const reply = interactive?.button_reply ?? interactive?.list_reply ?? interactive?.nfm_reply ?? interactive?.call_permission_reply;
  return text?.body ?? button?.text ?? reply?.title ?? image?.caption ?? video?.caption ?? document?.caption;
}
