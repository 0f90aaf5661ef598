package postern

// Header is one HTTP header. Names arrive in lower case; values may be any
// bytes.
type Header struct{ Name, Value string }

// Request is an HTTP request: one that asks to become a WebSocket, or a plain
// one.
//
// It is a handle: good until the function it was given to returns.
type Request struct{ held heldRequest }

// Method is in upper case: GET, POST, …
func (r *Request) Method() string { return r.held.method() }

// Path always begins with /; it never includes the query.
func (r *Request) Path() string { return r.held.path() }

// Query is what follows the ?, as sent.
func (r *Request) Query() (string, bool) { return r.held.query() }

// Param is the first value of the query parameter name, percent-decoded.
func (r *Request) Param(name string) (string, bool) { return r.held.param(name) }

// Header is the first header of that name, in any case.
func (r *Request) Header(name string) (string, bool) { return r.held.header(name) }

// Headers are all of them.
func (r *Request) Headers() []Header { return r.held.headers() }

// Address is the peer's, ip:port, after any trusted proxy headers.
func (r *Request) Address() string { return r.held.address() }

// Body has been read in full already, within the operator's limit. It is empty
// for a request that asks to become a WebSocket.
func (r *Request) Body() []byte { return r.held.body() }

// Response is an HTTP answer.
type Response struct {
	Status  int
	Headers []Header
	Body    []byte
}

// HTTPVerdict is how to answer a plain HTTP request: [Respond], [Accept] or
// [NotMine]. As a value it is for tests to look at; its zero is NotMine.
type HTTPVerdict struct {
	Kind     HTTPVerdictKind
	Response Response
	// Of what is accepted: the message.
	Payload Payload
}

// HTTPVerdictKind says which of the three an answer is.
type HTTPVerdictKind uint8

const (
	HTTPNotMine HTTPVerdictKind = iota
	HTTPRespond
	HTTPAccept
)

// NotMine leaves the request to the next filter, then to the gateway's own
// routes.
func NotMine() HTTPVerdict { return HTTPVerdict{} }

// Respond answers so.
func Respond(response Response) HTTPVerdict {
	return HTTPVerdict{Kind: HTTPRespond, Response: response}
}

// Accept is for a webhook in a dialect of your own: it puts the message in the
// chain of the webhook that the operator named, and answers so once it is on
// disk. It is an event of its own each time: to know it when it is sent again,
// ask KV.Add first.
func Accept(message Payload, response Response) HTTPVerdict {
	return HTTPVerdict{Kind: HTTPAccept, Payload: message, Response: response}
}
