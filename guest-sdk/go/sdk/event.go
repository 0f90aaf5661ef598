package postern

import "strconv"

// Close is a WebSocket close code and its reason.
type Close struct {
	Code   uint16
	Reason string
}

// EventKind says what became of a connection.
type EventKind uint8

const (
	// Connected: it is admitted and upgraded; it can be sent to.
	Connected EventKind = iota
	// Closing: it sent a close frame, with Event.Close if it said why. postern
	// answers it, unless the stream says close = "manual": then
	// Clients.Disconnect is the answer, and postern gives one of its own when
	// none has come in time. Disconnected follows.
	Closing
	// Disconnected: it is gone, closed or broken off; the last event a client
	// has. Event.Reason is why, if it did not close by itself.
	Disconnected
	// Pinged: it sent a ping, with Event.Data. postern has answered already,
	// unless the stream says pong = "manual": then Clients.Pong is the answer.
	Pinged
	// Ponged: it answered a ping, with Event.Data.
	Ponged
)

func (k EventKind) String() string {
	switch k {
	case Connected:
		return "connect"
	case Closing:
		return "close"
	case Disconnected:
		return "disconnect"
	case Pinged:
		return "ping"
	case Ponged:
		return "pong"
	}
	return "event " + strconv.Itoa(int(k))
}

// Event is what became of a connection.
type Event struct {
	Kind EventKind
	// Of Closing: what the client said; nil when it said nothing.
	Close *Close
	// Of Disconnected: why, if it did not close by itself.
	Reason string
	// Of Pinged and Ponged.
	Data []byte
}
