//go:build !wasip1

package postern

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Double stands in for postern in native tests, by plain go test:
//
//	func TestWhatSaysTheWordIsDropped(t *testing.T) {
//		double := postern.NewDouble(t)
//		double.Config["word"] = "stop"
//		verdict, err := onMessage(double.Message(`{"text": "please stop"}`))
//		…
//	}
//
// Arrange what the filter shall find in its fields, call a handler as any
// function, and look into the fields for what it did. It keeps no limits and
// fails nothing by itself: how a filter fares within postern is for `postern
// filter test`. One is in force at a time, so that such tests are not parallel.
type Double struct {
	// What the filter is configured with, a JSON value each.
	Config map[string]any
	// What it may sign with.
	Secrets map[string]string
	// The time, which stands still.
	Now time.Time
	// What is kept. It does not go by itself.
	KV map[string]string
	// Set it and all of KV fails with it: ErrFull, ErrUnavailable.
	KVError error

	// What was logged: "info: dropped word=stop".
	Logs []string
	// What was counted, set or observed last.
	Metrics map[string]float64
	// What was sent by the outbox.
	Sent []Sent
	// What was asked of clients: "label 1 room=lobby", "unlabel 1 room=lobby",
	// "disconnect 1 4000 bye", "pong 1 data".
	Changes []string

	clients []*Client
	started time.Time
}

// Sent is what a filter sent by the outbox.
type Sent struct {
	To      Selector
	Payload Payload
	Except  []ClientID
}

var double = newDouble()

func newDouble() *Double {
	return &Double{
		Config:  map[string]any{},
		Secrets: map[string]string{},
		Now:     time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		KV:      map[string]string{},
		Metrics: map[string]float64{},
		started: time.Now(),
	}
}

// NewDouble puts an empty double in force until the test ends.
func NewDouble(t interface{ Cleanup(func()) }) *Double {
	before := double
	t.Cleanup(func() { double = before })
	double = newDouble()
	return double
}

// FakeMessage is what a message of a test is made of.
type FakeMessage struct {
	ID       uint64
	Source   string
	Received time.Time
	Payload  Payload
	Headers  map[string]string
}

// Message is a message of text, received now from "whatsapp".
func (d *Double) Message(text string) *Message {
	return d.MessageOf(FakeMessage{ID: 1, Source: "whatsapp", Received: d.Now, Payload: Text(text)})
}

// MessageOf is a message of all that there can be.
func (d *Double) MessageOf(fake FakeMessage) *Message { return &Message{heldMessage{&fake}} }

// FakeClient is what a client of a test is made of.
type FakeClient struct {
	ID      ClientID
	Subject string
	Labels  []Label
	Address string
	Since   time.Time
}

// Connect connects a client, which Clients finds then.
func (d *Double) Connect(fake FakeClient) *Client {
	if fake.Address == "" {
		fake.Address = "192.0.2.1:50000"
	}
	if fake.Since.IsZero() {
		fake.Since = d.Now
	}
	fake.Labels = slices.Clone(fake.Labels)
	client := &Client{heldClient{&fake}}
	d.clients = append(d.clients, client)
	return client
}

// FakeRequest is what a request of a test is made of.
type FakeRequest struct {
	Method  string
	Path    string
	Query   string
	Headers []Header
	Address string
	Body    []byte
}

// Request is a request; its method is GET and its path /, unless told otherwise.
func (d *Double) Request(fake FakeRequest) *Request {
	if fake.Method == "" {
		fake.Method = "GET"
	}
	if fake.Path == "" {
		fake.Path = "/"
	}
	if fake.Address == "" {
		fake.Address = "192.0.2.1:50000"
	}
	return &Request{heldRequest{&fake}}
}

func configGet(key string) (string, bool) {
	value, there := double.Config[key]
	if !there {
		return "", false
	}
	return textOf(value), true
}

func configJSON() string { return textOf(double.Config) }

// textOf is a string as its text, and anything else as JSON.
func textOf(value any) string {
	if text, isText := value.(string); isText {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic("postern: a test's value is no JSON: " + err.Error())
	}
	return string(text)
}

func logEnabled(LogLevel) bool { return true }

func logWrite(level LogLevel, text string, fields []string) {
	line := level.String() + ": " + text
	for i := 0; i+1 < len(fields); i += 2 {
		line += " " + fields[i] + "=" + fields[i+1]
	}
	double.Logs = append(double.Logs, line)
}

func metricsCount(name string, by uint64)       { double.Metrics[name] += float64(by) }
func metricsGauge(name string, value float64)   { double.Metrics[name] = value }
func metricsObserve(name string, value float64) { double.Metrics[name] = value }

func clockNow() uint64       { return uint64(double.Now.UnixMilli()) }
func clockMonotonic() uint64 { return uint64(time.Since(double.started)) }

func outboxSend(to Selector, what Payload, except []ClientID) {
	double.Sent = append(double.Sent, Sent{to, what, slices.Clone(except)})
}

func clientsFind(among Selector, limit uint32) []ClientID {
	ids := []ClientID{}
	for _, client := range double.clients {
		if uint32(len(ids)) < min(limit, 10_000) && client.held.chosen(among) {
			ids = append(ids, client.held.ID)
		}
	}
	return ids
}

func clientsCount(among Selector) (count uint64) {
	for _, client := range double.clients {
		if client.held.chosen(among) {
			count++
		}
	}
	return count
}

func clientsGet(id ClientID) *Client {
	for _, client := range double.clients {
		if client.held.ID == id {
			return client
		}
	}
	return nil
}

func change(what string, id ClientID, how string) {
	double.Changes = append(double.Changes, what+" "+strconv.FormatUint(uint64(id), 10)+" "+how)
}

func clientsAddLabel(id ClientID, label Label) {
	change("label", id, label.String())
	if client := clientsGet(id); client != nil && !slices.Contains(client.held.Labels, label) {
		client.held.Labels = append(client.held.Labels, label)
	}
}

func clientsRemoveLabel(id ClientID, label Label) {
	change("unlabel", id, label.String())
	if client := clientsGet(id); client != nil {
		client.held.Labels = slices.DeleteFunc(client.held.Labels, func(l Label) bool { return l == label })
	}
}

func clientsDisconnect(id ClientID, why Close) {
	change("disconnect", id, strconv.Itoa(int(why.Code))+" "+why.Reason)
}

func clientsPong(id ClientID, data []byte) { change("pong", id, string(data)) }

func kvGet(key string) ([]byte, error) {
	value, there := double.KV[key]
	if !there || double.KVError != nil {
		return nil, double.KVError
	}
	return []byte(value), nil
}

func kvSet(key string, value []byte, _ lasting) error {
	if double.KVError == nil {
		double.KV[key] = string(value)
	}
	return double.KVError
}

func kvAdd(key string, value []byte, lasting lasting) (bool, error) {
	if _, there := double.KV[key]; there || double.KVError != nil {
		return false, double.KVError
	}
	return true, kvSet(key, value, lasting)
}

func kvIncrement(key string, by int64, lasting lasting) (int64, error) {
	before, there := double.KV[key]
	if !there {
		before = "0"
	}
	number, err := strconv.ParseInt(before, 10, 64)
	if double.KVError != nil {
		return 0, double.KVError
	}
	if err != nil {
		return 0, ErrNotANumber
	}
	return number + by, kvSet(key, strconv.AppendInt(nil, number+by, 10), lasting)
}

func kvSwap(key string, old, value []byte) (bool, error) {
	before, there := double.KV[key]
	if double.KVError != nil || there != (old != nil) || before != string(old) {
		return false, double.KVError
	}
	if value == nil {
		return true, kvDelete(key)
	}
	return true, kvSet(key, value, lasting{})
}

func kvDelete(key string) error {
	if double.KVError == nil {
		delete(double.KV, key)
	}
	return double.KVError
}

func kvKeys(prefix, after string, limit uint32) ([]string, error) {
	if double.KVError != nil {
		return nil, double.KVError
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(double.KV)), func(key string) bool {
		return !strings.HasPrefix(key, prefix) || after != "" && key <= after
	})
	return keys[:min(len(keys), int(limit))], nil
}
