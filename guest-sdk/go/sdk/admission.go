package postern

// Admission is whether a client may connect: [Allow] or [Deny]. As a value it
// is for tests to look at; its zero denies.
//
// With several admission filters every one must allow it: labels add up, the
// last subject given stands, and the first denial ends the matter.
type Admission struct {
	// What it may connect as; nil when it may not.
	Grant  *Grant
	Denial Denial
}

// Grant is what a client may connect as. What is left empty is not said.
type Grant struct {
	// Who it is, for other filters and for the logs.
	Subject string
	// Says that it is nobody in particular, whoever a filter before said it was:
	// an empty Subject alone says nothing.
	Nameless bool
	// What to know it by.
	Labels []Label
	// The WebSocket subprotocol to agree on; it must be one that the client
	// asked for.
	Subprotocol string
	// A first message for this client alone, sent before any other.
	Greeting *Payload
}

// Denial is why not.
type Denial struct {
	// 400 to 599. Anything else is sent as 403.
	Status int
	// Told to the client.
	Body string
	// For the log alone.
	Reason string
}

// Allow lets the client in.
func Allow(as Grant) Admission { return Admission{Grant: &as} }

// Deny keeps the client out.
func Deny(why Denial) Admission { return Admission{Denial: why} }
