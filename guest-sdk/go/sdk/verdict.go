package postern

import "strconv"

// Verdict is what to do with a message: [Pass], [Drop], [Rewrite] or [Send].
// As a value it is for tests to look at; its zero is Pass.
//
// Filters run in the order configured. Each decides for itself and the next
// sees the outcome; when none has narrowed the audience, everyone gets it.
type Verdict struct {
	Kind VerdictKind
	// Of a drop: why, if that was said.
	Reason string
	// Of a rewrite: the new body.
	Payload Payload
	// Of a send.
	Deliveries []Delivery
}

// VerdictKind says which of the four a verdict is.
type VerdictKind uint8

const (
	VerdictPass VerdictKind = iota
	VerdictDrop
	VerdictRewrite
	VerdictSend
)

// Pass leaves the message as it is. If every filter says so, it is a broadcast.
func Pass() Verdict { return Verdict{} }

// Drop discards the message; later filters never see it. The reason, if it is
// not empty, is logged and counted.
func Drop(reason string) Verdict { return Verdict{Kind: VerdictDrop, Reason: reason} }

// Rewrite replaces the body; the audience stays as it was.
func Rewrite(body Payload) Verdict { return Verdict{Kind: VerdictRewrite, Payload: body} }

// Send sends the message to a selection. More than one delivery splits it, and
// each part goes on down the chain by itself; none at all is a drop. A later
// filter can narrow an audience, never widen it.
func Send(deliveries ...Delivery) Verdict { return Verdict{Kind: VerdictSend, Deliveries: deliveries} }

func (v Verdict) String() string {
	switch v.Kind {
	case VerdictPass:
		return "pass"
	case VerdictDrop:
		return "drop " + strconv.Quote(v.Reason)
	case VerdictRewrite:
		return "rewrite " + v.Payload.Format.String() + " " + strconv.Quote(string(v.Payload.Data))
	default:
		return "send " + strconv.Itoa(len(v.Deliveries)) + " deliveries"
	}
}

// Delivery is who gets what.
type Delivery struct {
	To Selector
	// Left out even when To chooses them: for a relay, the sender.
	Except []ClientID
	// What they get; nil means the message in hand, unchanged.
	Payload *Payload
}

// To is a delivery of the message in hand, unchanged, to those chosen.
func To(to Selector) Delivery { return Delivery{To: to} }

// But leaves these clients out.
func (d Delivery) But(clients ...ClientID) Delivery {
	d.Except = append(d.Except[:len(d.Except):len(d.Except)], clients...)
	return d
}

// With delivers this in place of the message in hand.
func (d Delivery) With(body Payload) Delivery {
	d.Payload = &body
	return d
}
