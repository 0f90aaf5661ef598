package postern

import "unsafe"

func configGet(key string) (string, bool) {
	begin()
	at, size := textAt(key)
	importConfigGet(at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func configJSON() string {
	begin()
	importConfigJSON(results())
	text := backString()
	end()
	return text
}

func logEnabled(level LogLevel) bool {
	begin()
	enabled := importLogEnabled(uint32(min(level, LevelError)))
	end()
	return enabled != 0
}

func logWrite(level LogLevel, text string, fields []string) {
	begin()
	pairs := newBlock(8 * len(fields))
	for i, part := range fields {
		pairs.putText(8*i, legible(part))
	}
	at, size := textAt(legible(text))
	importLogWrite(uint32(level), at, size, pairs.at(), uint32(len(fields)/2))
	end()
}

func metricsCount(name string, by uint64) {
	begin()
	at, size := textAt(name)
	importMetricsCount(at, size, by)
	end()
}

func metricsGauge(name string, value float64) {
	begin()
	at, size := textAt(name)
	importMetricsGauge(at, size, value)
	end()
}

func metricsObserve(name string, value float64) {
	begin()
	at, size := textAt(name)
	importMetricsObserve(at, size, value)
	end()
}

func clockNow() uint64 {
	begin()
	now := importClockNow()
	end()
	return now
}

func clockMonotonic() uint64 {
	begin()
	now := importClockMonotonic()
	end()
	return now
}

func outboxSend(to Selector, what Payload, except []ClientID) {
	begin()
	kind, first, count := to.flat()
	excepted, exceptions := idsAt(except)
	at, size := bytesAt(what.Data)
	importOutboxSend(kind, first, count, excepted, exceptions, uint32(what.Format), at, size)
	end()
}

func clientsCount(among Selector) uint64 {
	begin()
	kind, first, count := among.flat()
	n := importClientsCount(kind, first, count)
	end()
	return n
}

func clientsFind(among Selector, limit uint32) []ClientID {
	begin()
	kind, first, count := among.flat()
	importClientsFind(kind, first, count, limit, results())
	found := back32(4)
	ids := make([]ClientID, found)
	if found > 0 {
		bytes, _ := written(back32(0), found*8)
		copy(ids, unsafe.Slice((*ClientID)(unsafe.Pointer(unsafe.SliceData(bytes))), found))
	}
	end()
	return ids
}

// What the call under way has asked for, to be given back when it returns.
var asked []*Client

func clientsGet(id ClientID) *Client {
	begin()
	importClientsGet(uint64(id), results())
	there, handle := back8(0) != 0, back32(4)
	end()
	if !there {
		return nil
	}
	client := &Client{heldClient{handle: handle}}
	asked = append(asked, client)
	return client
}

func clientsAddLabel(id ClientID, label Label) {
	begin()
	key, keySize := textAt(label.Key)
	value, valueSize := textAt(label.Value)
	importClientsAddLabel(uint64(id), key, keySize, value, valueSize)
	end()
}

func clientsRemoveLabel(id ClientID, label Label) {
	begin()
	key, keySize := textAt(label.Key)
	value, valueSize := textAt(label.Value)
	importClientsRemoveLabel(uint64(id), key, keySize, value, valueSize)
	end()
}

func clientsDisconnect(id ClientID, why Close) {
	begin()
	at, size := textAt(why.Reason)
	importClientsDisconnect(uint64(id), uint32(why.Code), at, size)
	end()
}

func clientsPong(id ClientID, data []byte) {
	begin()
	at, size := bytesAt(data)
	importClientsPong(uint64(id), at, size)
	end()
}

// kvFault is the error in the results, of which the first byte says whether
// there is one.
func kvFault(at uintptr) error {
	if back8(0) == 0 {
		return nil
	}
	return [...]error{ErrTooLarge, ErrFull, ErrNotANumber, ErrUnavailable}[min(back8(at), 3)]
}

func kvGet(key string) (value []byte, err error) {
	begin()
	at, size := textAt(key)
	importKVGet(at, size, results())
	if err = kvFault(4); err == nil && back8(4) != 0 {
		value = bytesFrom(back32(8), back32(12))
	}
	end()
	return value, err
}

func flag(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}

func kvSet(key string, value []byte, lasting lasting) error {
	begin()
	at, size := textAt(key)
	valueAt, valueSize := bytesAt(value)
	importKVSet(at, size, valueAt, valueSize, flag(lasting.limited), lasting.milliseconds, results())
	err := kvFault(1)
	end()
	return err
}

func kvAdd(key string, value []byte, lasting lasting) (bool, error) {
	begin()
	at, size := textAt(key)
	valueAt, valueSize := bytesAt(value)
	importKVAdd(at, size, valueAt, valueSize, flag(lasting.limited), lasting.milliseconds, results())
	did, err := back8(1) != 0, kvFault(1)
	end()
	return did && err == nil, err
}

func kvIncrement(key string, by int64, lasting lasting) (int64, error) {
	begin()
	at, size := textAt(key)
	importKVIncrement(at, size, by, flag(lasting.limited), lasting.milliseconds, results())
	sum, err := int64(back[1]), kvFault(8)
	end()
	if err != nil {
		return 0, err
	}
	return sum, nil
}

func kvSwap(key string, old, value []byte) (bool, error) {
	begin()
	at, size := textAt(key)
	oldAt, oldSize := bytesAt(old)
	valueAt, valueSize := bytesAt(value)
	importKVSwap(at, size, flag(old != nil), oldAt, oldSize, flag(value != nil), valueAt, valueSize, results())
	did, err := back8(1) != 0, kvFault(1)
	end()
	return did && err == nil, err
}

func kvDelete(key string) error {
	begin()
	at, size := textAt(key)
	importKVDelete(at, size, results())
	err := kvFault(1)
	end()
	return err
}

func kvKeys(prefix, after string, limit uint32) (keys []string, err error) {
	begin()
	prefixAt, prefixSize := textAt(prefix)
	afterAt, afterSize := textAt(after)
	importKVKeys(prefixAt, prefixSize, flag(after != ""), afterAt, afterSize, limit, results())
	if err = kvFault(4); err == nil {
		keys = stringsFrom(back32(4), back32(8))
	}
	end()
	return keys, err
}

func signingFault() error {
	if back8(0) == 0 {
		return nil
	}
	return ErrNoSuchSecret
}

func signingVerify(secret string, algorithm Algorithm, data, signature []byte) (bool, error) {
	begin()
	at, size := textAt(secret)
	dataAt, dataSize := bytesAt(data)
	signatureAt, signatureSize := bytesAt(signature)
	importSigningVerify(at, size, uint32(algorithm), dataAt, dataSize, signatureAt, signatureSize, results())
	right, err := back8(1) != 0, signingFault()
	end()
	return right && err == nil, err
}

func signingSign(secret string, algorithm Algorithm, data []byte) (signature []byte, err error) {
	begin()
	at, size := textAt(secret)
	dataAt, dataSize := bytesAt(data)
	importSigningSign(at, size, uint32(algorithm), dataAt, dataSize, results())
	if err = signingFault(); err == nil {
		signature = bytesFrom(back32(4), back32(8))
	}
	end()
	return signature, err
}
