package postern

// The functions that a filter has registered.
var registered struct {
	setup           func() error
	onMessage       func(*Message) (Verdict, error)
	onConnect       func(*Request) (Admission, error)
	onClientMessage func(*Client, *Message) (Verdict, error)
	onEvent         func(*Client, Event) error
	choose          func(*Message, []*Client) ([]bool, error)
	onRequest       func(*Request) (HTTPVerdict, error)
}

// Each has words of its own for a second registration: `postern filter build`
// finds them in what was built, and so knows which functions were called.

// Setup registers what checks the configuration ("setup" in filter.toml). It
// is called when the filter is loaded, and once for each instance before its
// first call. An error at load keeps the filter out, and the one that it would
// have replaced stays in its place.
func Setup(check func() error) {
	if registered.setup != nil {
		panic("postern.Setup is called a second time")
	}
	registered.setup = check
}

// OnMessage registers what judges every message bound for clients ("message"
// in filter.toml).
func OnMessage(judge func(message *Message) (Verdict, error)) {
	if registered.onMessage != nil {
		panic("postern.OnMessage is called a second time")
	}
	registered.onMessage = judge
}

// OnConnect registers what judges every client that asks to connect
// ("admission" in filter.toml). An error here denies the client, whatever the
// operator's policy.
func OnConnect(judge func(request *Request) (Admission, error)) {
	if registered.onConnect != nil {
		panic("postern.OnConnect is called a second time")
	}
	registered.onConnect = judge
}

// OnClientMessage registers what judges every message that a client sends
// ("client" in filter.toml).
//
// The message's source is the stream's name, and its id is 0: it is not an
// event yet. What [Send] and [Rewrite] make of it goes to clients of the same
// stream, and is durable before it is sent: those who were away get it when
// they come back.
//
// [Pass] and [Rewrite] leave the message to the stream's configured default
// (relay), which is to ignore it. To answer the sender alone, put the answer in
// the [Outbox]. A client's messages are judged one after the other, in the
// order it sent them.
func OnClientMessage(judge func(sender *Client, message *Message) (Verdict, error)) {
	if registered.onClientMessage != nil {
		panic("postern.OnClientMessage is called a second time")
	}
	registered.onClientMessage = judge
}

// OnEvent registers what hears of what becomes of connections ("event" in
// filter.toml), of the kinds that the operator turned on: Connected and
// Disconnected unless told otherwise.
func OnEvent(hear func(client *Client, event Event) error) {
	if registered.onEvent != nil {
		panic("postern.OnEvent is called a second time")
	}
	registered.onEvent = hear
}

// Choose registers what chooses, client by client, who gets a message
// ("audience" in filter.toml). [Wants] makes it of a question about one client.
//
// It is asked for each message that a stream carries, about the clients of it
// whom the message is for: one answer for each, in their order, true to let it
// through. It can leave clients out, not bring any in. It is asked again on
// replay, and when a client's labels have changed, so answer by what the
// message and the client are, not by when you are asked.
func Choose(choose func(message *Message, among []*Client) ([]bool, error)) {
	if registered.choose != nil {
		panic("postern.Choose is called a second time")
	}
	registered.choose = choose
}

// Wants is for [Choose], of a question about one client at a time.
func Wants(wants func(message *Message, client *Client) (bool, error)) func(*Message, []*Client) ([]bool, error) {
	return func(message *Message, among []*Client) ([]bool, error) {
		answers := make([]bool, len(among))
		for i, client := range among {
			answer, err := wants(message, client)
			if err != nil {
				return nil, err
			}
			answers[i] = answer
		}
		return answers, nil
	}
}

// OnRequest registers what answers plain HTTP requests ("http" in filter.toml).
func OnRequest(answer func(request *Request) (HTTPVerdict, error)) {
	if registered.onRequest != nil {
		panic("postern.OnRequest is called a second time")
	}
	registered.onRequest = answer
}
