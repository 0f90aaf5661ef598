package postern

import "time"

// KV is what lasts, restarts and crashes included. Each filter has a keyspace
// of its own, unless the operator gave several the same. Every operation is
// atomic and acts at once.
var KV KVAPI

// The errors of [KV] and [Signing], for errors.Is.
const (
	// ErrTooLarge: the key or the value is longer than the operator allows.
	ErrTooLarge = fault("too-large: the key or the value is longer than the operator allows")
	// ErrFull: the keyspace is full.
	ErrFull = fault("full: there is no more room in the keyspace")
	// ErrNotANumber: the value there is not a number.
	ErrNotANumber = fault("not-a-number: the value there is none")
	// ErrUnavailable: the store behind it did not answer.
	ErrUnavailable = fault("unavailable: the store did not answer")
	// ErrNoSuchSecret: the operator gave this filter no secret of that name.
	ErrNoSuchSecret = fault("no-such-secret: the operator gave this filter none of that name")
)

type fault string

func (f fault) Error() string { return string(f) }

// KVOption is how a value is kept.
type KVOption func(*lasting)

type lasting struct {
	limited      bool
	milliseconds uint64
}

// TTL is how long a key lasts, to the millisecond: it goes by itself then.
// Without it, it stays.
func TTL(ttl time.Duration) KVOption {
	return func(l *lasting) {
		l.limited = true
		l.milliseconds = uint64(max(0, (ttl+time.Millisecond-1)/time.Millisecond))
	}
}

func lastingOf(options []KVOption) (l lasting) {
	for _, option := range options {
		option(&l)
	}
	return l
}

// KVAPI is what [KV] can do.
type KVAPI struct{}

// Get is the value of a key; nil when there is none.
func (KVAPI) Get(key string) ([]byte, error) { return kvGet(key) }

// Set keeps a value.
func (KVAPI) Set(key string, value []byte, options ...KVOption) error {
	return kvSet(key, value, lastingOf(options))
}

// Add keeps only what is not there, and says whether it did. The whole of
// deduplication: Add(id, nil, postern.TTL(time.Minute)).
func (KVAPI) Add(key string, value []byte, options ...KVOption) (bool, error) {
	return kvAdd(key, value, lastingOf(options))
}

// Increment adds to a decimal number, from 0, and says what it came to. A TTL
// counts from the first. The whole of rate limiting.
func (KVAPI) Increment(key string, by int64, options ...KVOption) (int64, error) {
	return kvIncrement(key, by, lastingOf(options))
}

// Swap sets a key to value if it is old, and says whether it was. nil, of
// either, is that there is none.
func (KVAPI) Swap(key string, old, value []byte) (bool, error) { return kvSwap(key, old, value) }

// Delete takes a key away.
func (KVAPI) Delete(key string) error { return kvDelete(key) }

// Keys are those that begin with prefix, in order, after the key after (from
// the first, if that is empty), at most limit.
func (KVAPI) Keys(prefix, after string, limit uint32) ([]string, error) {
	return kvKeys(prefix, after, limit)
}
