package postern

import "time"

// What a filter may ask of postern.
var (
	// Config is the filter's own section of postern's configuration.
	Config ConfigAPI
	// Log is words for the operator.
	Log LogAPI
	// Metrics are numbers for the operator.
	Metrics MetricsAPI
	// Clock is the time.
	Clock ClockAPI
	// Outbox is messages that a filter sends on its own account.
	Outbox OutboxAPI
	// Clients are those connected now.
	Clients ClientsAPI
)

// ConfigAPI is what [Config] can do.
type ConfigAPI struct{}

// Get is one setting: a string as its text, anything else as JSON.
func (ConfigAPI) Get(key string) (string, bool) { return configGet(key) }

// JSON is all of them, as one JSON object: json.Unmarshal it.
func (ConfigAPI) JSON() string { return configJSON() }

// LogLevel is how much a line matters.
type LogLevel uint8

const (
	LevelTrace LogLevel = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

func (l LogLevel) String() string {
	return [...]string{"trace", "debug", "info", "warn", "error"}[min(l, LevelError)]
}

// LogAPI is what [Log] can do.
//
// Fields are things to find a line by, a key and its value in turn:
//
//	postern.Log.Info("dropped", "word", word)
//
// Lines carry the filter's name and the message's or client's id already.
type LogAPI struct{}

// Trace is for following every step.
func (LogAPI) Trace(text string, fields ...string) { write(LevelTrace, text, fields) }

// Debug is for looking for a fault.
func (LogAPI) Debug(text string, fields ...string) { write(LevelDebug, text, fields) }

// Info is for what happens when all is well.
func (LogAPI) Info(text string, fields ...string) { write(LevelInfo, text, fields) }

// Warn is for what somebody should look at.
func (LogAPI) Warn(text string, fields ...string) { write(LevelWarn, text, fields) }

// Error is for what somebody must look at.
func (LogAPI) Error(text string, fields ...string) { write(LevelError, text, fields) }

// Write is a line of a level that is chosen as the filter runs.
func (LogAPI) Write(level LogLevel, text string, fields ...string) { write(level, text, fields) }

// Enabled is whether a line at this level would go anywhere. Ask before
// building a costly one.
func (LogAPI) Enabled(level LogLevel) bool { return logEnabled(level) }

func write(level LogLevel, text string, fields []string) {
	if len(fields)%2 == 1 {
		last := len(fields) - 1
		fields = append(fields[:last:last], "!BADKEY", fields[last])
	}
	logWrite(min(level, LevelError), text, fields)
}

// MetricsAPI is what [Metrics] can do. The operator sees each as
// postern_filter_<name>{filter="…"}.
type MetricsAPI struct{}

// Count adds to a counter.
func (MetricsAPI) Count(name string, by uint64) { metricsCount(name, by) }

// Gauge sets a gauge.
func (MetricsAPI) Gauge(name string, value float64) { metricsGauge(name, value) }

// Observe adds one observation to a histogram.
func (MetricsAPI) Observe(name string, value float64) { metricsObserve(name, value) }

// ClockAPI is what [Clock] can do.
type ClockAPI struct{}

// Now is the time, to the millisecond. (time.Now is when the call began, and
// stands still while it lasts.)
func (ClockAPI) Now() time.Time { return moment(clockNow()) }

// Monotonic is the time since some fixed point; it never goes back.
func (ClockAPI) Monotonic() time.Duration { return time.Duration(clockMonotonic()) }

// OutboxAPI is what [Outbox] can do.
type OutboxAPI struct{}

// Send sends to everyone whom to chooses, less except.
//
// It goes straight to clients, not through the chain, after the call returns
// without an error, in the order sent; it is durable as events are, and is
// resumed and replayed like them. It reaches the clients of the streams that
// the filter works for: those that carry the webhook of the message, or the
// stream of the client or of the request.
func (OutboxAPI) Send(to Selector, what Payload, except ...ClientID) { outboxSend(to, what, except) }

// ClientsAPI is what [Clients] can do. What it changes takes effect when the
// call returns without an error.
type ClientsAPI struct{}

// Count is how many of them there are.
func (ClientsAPI) Count(among Selector) uint64 { return clientsCount(among) }

// Find is at most limit of them (and 10 000), longest connected first.
func (ClientsAPI) Find(among Selector, limit uint32) []ClientID { return clientsFind(among, limit) }

// Get is one of them; nil when it is gone.
func (ClientsAPI) Get(id ClientID) *Client { return clientsGet(id) }

// AddLabel gives one a label, beside any that it has.
func (ClientsAPI) AddLabel(id ClientID, label Label) { clientsAddLabel(id, label) }

// RemoveLabel takes a label away.
func (ClientsAPI) RemoveLabel(id ClientID, label Label) { clientsRemoveLabel(id, label) }

// Disconnect closes one. The code is one that RFC 6455 lets a server send: 1000
// to 1003, 1007 to 1014, 3000 to 4999; any other is an error of the filter.
func (ClientsAPI) Disconnect(id ClientID, why Close) { clientsDisconnect(id, why) }

// Pong answers a ping, on a stream with pong = "manual". At most 125 bytes.
func (ClientsAPI) Pong(id ClientID, data []byte) { clientsPong(id, data) }
