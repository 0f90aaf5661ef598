package postern

import (
	"io"
	"time"
)

// Format is one of the two kinds of WebSocket message.
type Format uint8

const (
	// FormatText is of data that is UTF-8. To return anything else as text is an
	// error of the filter.
	FormatText Format = iota
	// FormatBinary is of any bytes.
	FormatBinary
)

func (f Format) String() string {
	if f == FormatText {
		return "text"
	}
	return "binary"
}

// Payload is a body, and how it travels. Make one by [Text] or [Binary].
type Payload struct {
	Format Format
	Data   []byte
}

// Text is a payload of text, which must be UTF-8.
func Text(text string) Payload { return Payload{FormatText, []byte(text)} }

// Binary is a payload of any bytes.
func Binary(data []byte) Payload { return Payload{FormatBinary, data} }

// Message is a message on its way to clients, a verified webhook delivery or
// what a filter earlier in the chain made of it; or what a client sent.
//
// It is a handle: good until the function it was given to returns.
type Message struct{ held heldMessage }

// ID identifies the delivery that began this message. Filters that split a
// message give every part the same id.
func (m *Message) ID() uint64 { return m.held.id() }

// Source is the name, in postern's configuration, of where it came from.
func (m *Message) Source() string { return m.held.source() }

// Received is when postern accepted it.
func (m *Message) Received() time.Time { return moment(m.held.received()) }

// Format is text or binary, without copying the data.
func (m *Message) Format() Format { return m.held.format() }

// Size is how many bytes of data there are, without copying them.
func (m *Message) Size() int64 { return int64(m.held.size()) }

// Data is all of it, copied into your memory.
func (m *Message) Data() []byte { return m.held.data() }

// Slice is a part of it: at most length bytes from offset, fewer at the end.
func (m *Message) Slice(offset, length uint64) []byte { return m.held.read(offset, length) }

// ReadAt reads a part of it, as [io.ReaderAt].
func (m *Message) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, negative
	}
	n := copy(p, m.held.read(uint64(offset), uint64(len(p))))
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

const negative = fault("postern: ReadAt: the offset is below 0")

// JSON is the value at an RFC 6901 JSON Pointer such as /entry/0/id: a string
// as its text, anything else as JSON. It is false when there is nothing there
// or the data is not JSON.
//
// It is the cheap way to one value: postern parses once, however many filters
// ask. For all of it, json.Unmarshal(message.Data(), &yours); package
// postern/whatsapp has types for what WhatsApp delivers.
func (m *Message) JSON(pointer string) (string, bool) { return m.held.json(pointer) }

// Header is a header of the HTTP request that delivered it, if the operator
// lets filters see that header. It may be any bytes.
func (m *Message) Header(name string) (string, bool) { return m.held.header(name) }

// moment is a time as the package postern:filter tells it.
func moment(milliseconds uint64) time.Time { return time.UnixMilli(int64(milliseconds)).UTC() }
