package whatsapp

// Message is what a user sent. Which of the bodies is there goes by Type; of a
// type from the future, none is.
type Message struct {
	// The sender's number. Missing when the user has a username and no number is
	// shown.
	From       Scalar
	FromUserID Scalar `json:"from_user_id"`
	GroupID    Scalar `json:"group_id"`
	ID         Scalar
	// Seconds since 1970, as Meta sends them.
	Timestamp Scalar
	// text, image, interactive, reaction, …
	Type     string
	Context  *Context
	Referral *Referral
	Identity *Identity
	Errors   []Fault

	Text        *Text
	Image       *Media
	Video       *Media
	Audio       *Media
	Document    *Media
	Sticker     *Media
	Location    *Location
	Contacts    []Card
	Interactive *Interactive
	Button      *Button
	Reaction    *Reaction
	Order       *Order
	System      *System
	Edit        *Edit
	Unsupported *Unsupported
}

// Sender is who sent it: the user id before the number, since either may be
// missing and the number may change.
func (m *Message) Sender() string {
	if m.FromUserID != "" {
		return string(m.FromUserID)
	}
	return string(m.From)
}

// Words are what a person would read in it: the text, the title of what was
// tapped, a caption. Empty when there is nothing to read.
func (m *Message) Words() string {
	if m.Text != nil {
		return m.Text.Body
	}
	if m.Button != nil && m.Button.Text != "" {
		return m.Button.Text
	}
	if reply := m.Interactive.Reply(); reply != nil && reply.Title != "" {
		return reply.Title
	}
	for _, media := range []*Media{m.Image, m.Video, m.Document} {
		if media != nil && media.Caption != "" {
			return media.Caption
		}
	}
	return ""
}

// Context is what a message answers or forwards.
type Context struct {
	From                Scalar
	ID                  Scalar
	Forwarded           bool
	FrequentlyForwarded bool `json:"frequently_forwarded"`
}

// Referral is the advertisement that led to a message.
type Referral struct {
	SourceURL  string `json:"source_url"`
	SourceID   Scalar `json:"source_id"`
	SourceType string `json:"source_type"`
	Headline   string
	CtwaClid   Scalar `json:"ctwa_clid"`
}

// Identity is whether a user's identity has changed.
type Identity struct {
	Acknowledged *bool
	Hash         string
}

// Text is the body of a text message.
type Text struct{ Body string }

// Media is a picture, film, sound, file or sticker.
type Media struct {
	ID       Scalar
	MimeType string `json:"mime_type"`
	SHA256   string
	Caption  string
	// As the sender named it: never a path to write to.
	Filename string
	URL      string
	Voice    bool
	Animated bool
}

// Location is a place.
type Location struct {
	Latitude, Longitude *float64
	Name                string
	Address             string
	URL                 string
}

// Card is a contact card that the user shared.
type Card struct {
	Name   *Name
	Phones []Phone
	Vcard  string
}

// Name is a name on a card.
type Name struct {
	FormattedName string `json:"formatted_name"`
	FirstName     string `json:"first_name"`
	LastName      string `json:"last_name"`
}

// Phone is a number on a card.
type Phone struct {
	Phone Scalar
	WaID  Scalar `json:"wa_id"`
}

// Interactive is what was tapped or filled in.
type Interactive struct {
	// button_reply, list_reply, nfm_reply, call_permission_reply, …
	Type                string
	ButtonReply         *Reply `json:"button_reply"`
	ListReply           *Reply `json:"list_reply"`
	NFMReply            *Reply `json:"nfm_reply"`
	CallPermissionReply *Reply `json:"call_permission_reply"`
}

// Reply is whichever reply it is; nil if it is none that is known.
func (i *Interactive) Reply() *Reply {
	if i == nil {
		return nil
	}
	for _, reply := range []*Reply{i.ButtonReply, i.ListReply, i.NFMReply, i.CallPermissionReply} {
		if reply != nil {
			return reply
		}
	}
	return nil
}

// Reply is an answer by tap or form.
type Reply struct {
	ID          Scalar
	Title       string
	Description string
	// flow or address_message, of a form.
	Name string
	Body string
	// What was filled in: JSON within a string.
	ResponseJSON string `json:"response_json"`
	// accept or reject, of a permission to call.
	Response string
}

// Button is a tap on a template's quick-reply button.
type Button struct {
	Payload string
	Text    string
}

// Reaction is a reaction to a message. Taking it back is an empty Emoji.
type Reaction struct {
	MessageID Scalar `json:"message_id"`
	Emoji     string
}

// Order is what a user ordered from a catalog.
type Order struct {
	CatalogID    Scalar `json:"catalog_id"`
	Text         string
	ProductItems []Product `json:"product_items"`
}

// Product is a line of an order. A price is a number with or without a
// fraction, and a quantity too: both are kept as text.
type Product struct {
	ProductRetailerID Scalar `json:"product_retailer_id"`
	Quantity          Scalar
	ItemPrice         Scalar `json:"item_price"`
	Currency          string
}

// System is something about the user rather than from them: a changed number
// or identity.
type System struct {
	Type     string
	Body     string
	WaID     Scalar `json:"wa_id"`
	NewWaID  Scalar `json:"new_wa_id"`
	Customer Scalar
}

// Edit is a message changed after it was sent.
type Edit struct {
	OriginalMessageID Scalar `json:"original_message_id"`
	Message           *Message
}

// Unsupported is what Meta does not deliver.
type Unsupported struct{ Type string }
