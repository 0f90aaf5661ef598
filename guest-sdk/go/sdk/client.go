package postern

import "time"

// ClientID names one connection for as long as it lives. It is never used again
// while the gateway runs.
type ClientID uint64

// Label is something known of a client, such as user=42 or room=lobby. Labels
// are given at admission, changed through [Clients], and matched by a
// [Selector]. A client may carry one key with many values.
type Label struct{ Key, Value string }

// L is a label, for short.
func L(key, value string) Label { return Label{key, value} }

func (l Label) String() string { return l.Key + "=" + l.Value }

// Selector chooses clients: [Everyone], [ByID], [Labelled], [AnyLabel] or
// [AllLabels]. Its zero is Everyone.
type Selector struct {
	Kind   SelectorKind
	IDs    []ClientID
	Labels []Label
}

// SelectorKind says which of the four a selector is.
type SelectorKind uint8

const (
	SelectEveryone SelectorKind = iota
	SelectClients
	SelectAnyLabel
	SelectAllLabels
)

// Everyone is every connected client.
func Everyone() Selector { return Selector{} }

// ByID is those with these ids. Ids that are gone are passed over.
func ByID(ids ...ClientID) Selector { return Selector{Kind: SelectClients, IDs: ids} }

// Labelled is those that carry this label.
func Labelled(key, value string) Selector { return AnyLabel(L(key, value)) }

// AnyLabel is those that carry at least one of these labels.
func AnyLabel(labels ...Label) Selector { return Selector{Kind: SelectAnyLabel, Labels: labels} }

// AllLabels is those that carry every one of these labels.
func AllLabels(labels ...Label) Selector { return Selector{Kind: SelectAllLabels, Labels: labels} }

// Client is a connected client.
//
// It is a handle: good until the function it was given to, or that asked for it
// by [Clients], returns.
type Client struct{ held heldClient }

// ID is its name for as long as it is connected.
func (c *Client) ID() ClientID { return ClientID(c.held.id()) }

// Subject is who it is, as admission said; false when admission did not say.
func (c *Client) Subject() (string, bool) { return c.held.subject() }

// Label is the first value of the label key.
func (c *Client) Label(key string) (string, bool) { return c.held.label(key) }

// Labels are all that it carries.
func (c *Client) Labels() []Label { return c.held.labels() }

// Address is the peer's, ip:port, after any trusted proxy headers.
func (c *Client) Address() string { return c.held.address() }

// Since is when it connected.
func (c *Client) Since() time.Time { return moment(c.held.since()) }
