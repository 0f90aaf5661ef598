/**
 * What WhatsApp delivers: `import * as whatsapp from "postern-filter/whatsapp"`, then `message.json<whatsapp.Envelope>()`.
 *
 * Meta sends more than is named here, and tomorrow more than today. So every field may be missing, a type of message that does
 * not exist yet is only a `type` without a body, and the functions below pass over what is not there.
 */

/** A delivery. */
export interface Envelope {
  /** `whatsapp_business_account`, or another product's name. */
  object?: string;
  entry?: Entry[];
}

/** What happened to one WhatsApp Business account. */
export interface Entry {
  /** The id of the account. */
  id?: string;
  changes?: Change[];
}

export interface Change {
  /** `messages`, `account_update`, `message_template_status_update`, … */
  field?: string;
  value?: Value;
}

/** What changed. Fields other than `messages` have values of many shapes, whose own parts are not shown here. */
export interface Value {
  messaging_product?: string;
  metadata?: Metadata;
  contacts?: Contact[];
  messages?: Message[];
  statuses?: Status[];
  /** Alone, without messages or statuses: errors of the account, the app or the system. */
  errors?: Fault[];
  /** The kind of event of an `account_update`, a template update, …. */
  event?: string;
}

/** The business phone number concerned. */
export interface Metadata {
  display_phone_number?: string;
  phone_number_id?: string;
}

/** Someone who wrote. A user with a username may have no `wa_id`. */
export interface Contact {
  profile?: Profile;
  wa_id?: string;
  user_id?: string;
  parent_user_id?: string;
}

/** The name a user shows. */
export interface Profile {
  name?: string;
  username?: string;
}

/** What a user sent. Which of the bodies is there goes by `type`; of a type from the future, none is. */
export interface Message {
  /** The sender's number. Missing when the user has a username and no number is shown. */
  from?: string;
  from_user_id?: string;
  group_id?: string;
  id?: string;
  /** Seconds since 1970, as Meta sends them: a string. */
  timestamp?: string;
  /** `text`, `image`, `interactive`, `reaction`, … */
  type?: string;
  context?: Context;
  referral?: Referral;
  identity?: Identity;
  errors?: Fault[];
  text?: Text;
  image?: Media;
  video?: Media;
  audio?: Media;
  document?: Media;
  sticker?: Media;
  location?: Location;
  contacts?: Card[];
  interactive?: Interactive;
  button?: Button;
  reaction?: Reaction;
  order?: Order;
  system?: System;
  edit?: Edit;
  unsupported?: Unsupported;
}

/** What it answers or forwards. */
export interface Context {
  from?: string;
  id?: string;
  forwarded?: boolean;
  frequently_forwarded?: boolean;
}

/** The advertisement that led to it. */
export interface Referral {
  source_url?: string;
  source_id?: string;
  source_type?: string;
  headline?: string;
  ctwa_clid?: string;
}

export interface Identity {
  acknowledged?: boolean;
  hash?: string;
}

export interface Text {
  body?: string;
}

/** A picture, film, sound, file or sticker. */
export interface Media {
  id?: string;
  mime_type?: string;
  sha256?: string;
  caption?: string;
  /** As the sender named it: never a path to write to. */
  filename?: string;
  url?: string;
  voice?: boolean;
  animated?: boolean;
}

export interface Location {
  latitude?: number;
  longitude?: number;
  name?: string;
  address?: string;
  url?: string;
}

/** A contact card that the user shared. */
export interface Card {
  name?: { formatted_name?: string; first_name?: string; last_name?: string };
  phones?: { phone?: string; wa_id?: string }[];
  vcard?: string;
}

/** What was tapped or filled in. */
export interface Interactive {
  /** `button_reply`, `list_reply`, `nfm_reply`, `call_permission_reply`, … */
  type?: string;
  button_reply?: Reply;
  list_reply?: Reply;
  nfm_reply?: Reply;
  call_permission_reply?: Reply;
}

export interface Reply {
  id?: string;
  title?: string;
  description?: string;
  /** `flow` or `address_message`, of a form. */
  name?: string;
  body?: string;
  /** What was filled in: JSON within a string. */
  response_json?: string;
  /** `accept` or `reject`, of a permission to call. */
  response?: string;
}

/** A tap on a template's quick-reply button. */
export interface Button {
  payload?: string;
  text?: string;
}

/** A reaction. Taking it back is an `emoji` that is empty or missing. */
export interface Reaction {
  message_id?: string;
  emoji?: string;
}

export interface Order {
  catalog_id?: string;
  text?: string;
  product_items?: Product[];
}

/** A line of an order. Meta sends its numbers as numbers or as strings. */
export interface Product {
  product_retailer_id?: string;
  quantity?: number | string;
  item_price?: number | string;
  currency?: string;
}

/** Something about the user rather than from them: a changed number or identity. */
export interface System {
  type?: string;
  body?: string;
  wa_id?: string;
  new_wa_id?: string;
  customer?: string;
}

/** A message changed after it was sent. */
export interface Edit {
  original_message_id?: string;
  message?: Message;
}

export interface Unsupported {
  type?: string;
}

/** What became of a message the business sent. In a group one message has a status a participant. */
export interface Status {
  /** The id of the message. */
  id?: string;
  /** `sent`, `delivered`, `read`, `played`, `failed`, …. */
  status?: string;
  /** Seconds since 1970, as Meta sends them: a string. */
  timestamp?: string;
  /** Missing when the user has a username and no number is shown. */
  recipient_id?: string;
  recipient_user_id?: string;
  /** `group` when it is one. */
  recipient_type?: string;
  recipient_participant_id?: string;
  /** What the business attached when it sent the message. */
  biz_opaque_callback_data?: string;
  conversation?: { id?: string; expiration_timestamp?: string };
  pricing?: { pricing_model?: string; category?: string; type?: string; billable?: boolean };
  errors?: Fault[];
  /** `payment` and such; missing for an ordinary status. */
  type?: string;
}

/** An error as Meta reports it. */
export interface Fault {
  code?: number | string;
  title?: string;
  message?: string;
  href?: string;
}

/** All messages of a delivery. */
export declare function messages(envelope: Envelope): Message[];

/** All statuses of a delivery. */
export declare function statuses(envelope: Envelope): Status[];

/** The business phone numbers concerned, each once, in order. */
export declare function phoneNumberIds(envelope: Envelope): string[];

/** Who sent it: the user id before the number, since either may be missing and the number may change. */
export declare function sender(message: Message): string | undefined;

/** The words a person would read in it: the text, a caption, the title of what was tapped. */
export declare function words(message: Message): string | undefined;
