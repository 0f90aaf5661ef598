// Package whatsapp has types for what WhatsApp delivers.
//
//	delivery, err := whatsapp.Parse(message.Data())
//	if err != nil {
//		return postern.Verdict{}, err
//	}
//	for said := range delivery.Messages() {
//		postern.Log.Info("said", "from", said.Sender(), "words", said.Words())
//	}
//
// They are for looking, not for writing back: they know the fields named here
// and pass over all others. Every field may be missing or null, ids and times
// may be strings or numbers, and a type of message that does not exist yet is
// only a Type without a body. So what Meta adds tomorrow does not stop a filter
// built today.
//
// To look at one value, Message.JSON costs a fraction of this.
package whatsapp

import (
	"encoding/json"
	"errors"
	"iter"
)

// Scalar is text that may come as a string or as a number.
type Scalar string

// UnmarshalJSON takes a string, a number or null.
func (s *Scalar) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case string(data) == "null":
	case len(data) > 0 && data[0] == '"':
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	default:
		text = string(data)
	}
	*s = Scalar(text)
	return nil
}

// Parse reads a delivery. A field that is not of the type it has here is as if
// it were missing.
func Parse(data []byte) (*Envelope, error) {
	var envelope Envelope
	err := json.Unmarshal(data, &envelope)
	var field *json.UnmarshalTypeError
	if errors.As(err, &field) && field.Field != "" {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return &envelope, nil
}

// Envelope is a delivery.
type Envelope struct {
	// whatsapp_business_account, or another product's name.
	Object string
	Entry  []Entry
}

// Entry is what happened to one WhatsApp Business account.
type Entry struct {
	// The id of the account.
	ID      Scalar
	Changes []Change
}

// Change is one thing that happened.
type Change struct {
	// messages, account_update, message_template_status_update, …
	Field string
	Value Value
}

// Value is what changed. Fields other than "messages" have values of many
// shapes, whose own parts are not shown here: read those with a type of your
// own.
type Value struct {
	MessagingProduct string `json:"messaging_product"`
	Metadata         *Metadata
	Contacts         []Contact
	Messages         []Message
	Statuses         []Status
	// Alone, without messages or statuses: errors of the account, the app or the
	// system.
	Errors []Fault
	// The kind of event of an account_update, a template update, …
	Event string
}

// Metadata is the business phone number concerned.
type Metadata struct {
	DisplayPhoneNumber Scalar `json:"display_phone_number"`
	PhoneNumberID      Scalar `json:"phone_number_id"`
}

// Contact is someone who wrote. A user with a username may have no WaID.
type Contact struct {
	Profile      *Profile
	WaID         Scalar `json:"wa_id"`
	UserID       Scalar `json:"user_id"`
	ParentUserID Scalar `json:"parent_user_id"`
}

// Profile is the name a user shows.
type Profile struct {
	Name     string
	Username string
}

// Values are all that changed.
func (e *Envelope) Values() iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		for i := range e.Entry {
			for j := range e.Entry[i].Changes {
				if !yield(&e.Entry[i].Changes[j].Value) {
					return
				}
			}
		}
	}
}

// Messages are all that users sent.
func (e *Envelope) Messages() iter.Seq[*Message] {
	return all(e, func(value *Value) []Message { return value.Messages })
}

// Statuses are all that became of messages the business sent.
func (e *Envelope) Statuses() iter.Seq[*Status] {
	return all(e, func(value *Value) []Status { return value.Statuses })
}

func all[T any](e *Envelope, of func(*Value) []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for value := range e.Values() {
			items := of(value)
			for i := range items {
				if !yield(&items[i]) {
					return
				}
			}
		}
	}
}

// Status is what became of a message the business sent. The id alone does not
// tell two apart: in a group one message has a status a participant.
type Status struct {
	// The id of the message.
	ID Scalar
	// sent, delivered, read, played, failed, …
	Status string
	// Seconds since 1970, as Meta sends them.
	Timestamp Scalar
	// Missing when the user has a username and no number is shown.
	RecipientID     Scalar `json:"recipient_id"`
	RecipientUserID Scalar `json:"recipient_user_id"`
	// group when it is one.
	RecipientType          string `json:"recipient_type"`
	RecipientParticipantID Scalar `json:"recipient_participant_id"`
	// What the business attached when it sent the message.
	BizOpaqueCallbackData string `json:"biz_opaque_callback_data"`
	Conversation          *Conversation
	Pricing               *Pricing
	Errors                []Fault
	// payment and such; missing for an ordinary status.
	Type string
}

// Conversation is the conversation that a message is billed with.
type Conversation struct {
	ID                  Scalar
	ExpirationTimestamp Scalar `json:"expiration_timestamp"`
}

// Pricing is how a message is billed.
type Pricing struct {
	PricingModel string `json:"pricing_model"`
	Category     string
	Type         string
	Billable     *bool
}

// Fault is an error as Meta reports it.
type Fault struct {
	Code    Scalar
	Title   string
	Message string
	Href    string
}
