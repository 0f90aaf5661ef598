package postern

// What postern offers, as the component model calls it. The names are those of
// the package postern:filter; a list is an address and a count, an option begins
// with 0 or 1, and results are where the last argument says.

//go:wasmimport postern:filter/types@0.1.0 [method]message.id
func messageID(message uint32) uint64

//go:wasmimport postern:filter/types@0.1.0 [method]message.source
func messageSource(message, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]message.received
func messageReceived(message uint32) uint64

//go:wasmimport postern:filter/types@0.1.0 [method]message.format
func messageFormat(message uint32) uint32

//go:wasmimport postern:filter/types@0.1.0 [method]message.size
func messageSize(message uint32) uint64

//go:wasmimport postern:filter/types@0.1.0 [method]message.data
func messageData(message, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]message.read
func messageRead(message uint32, offset, length uint64, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]message.json
func messageJSON(message, at, size, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]message.header
func messageHeader(message, at, size, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [resource-drop]message
func messageDrop(message uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]client.id
func clientID(client uint32) uint64

//go:wasmimport postern:filter/types@0.1.0 [method]client.subject
func clientSubject(client, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]client.label
func clientLabel(client, at, size, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]client.labels
func clientLabels(client, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]client.address
func clientAddress(client, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]client.since
func clientSince(client uint32) uint64

//go:wasmimport postern:filter/types@0.1.0 [resource-drop]client
func clientDrop(client uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.method
func requestMethod(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.path
func requestPath(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.query
func requestQuery(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.param
func requestParam(request, at, size, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.header
func requestHeader(request, at, size, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.headers
func requestHeaders(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.address
func requestAddress(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [method]request.body
func requestBody(request, results uint32)

//go:wasmimport postern:filter/types@0.1.0 [resource-drop]request
func requestDrop(request uint32)

//go:wasmimport postern:filter/config@0.1.0 get
func importConfigGet(at, size, results uint32)

//go:wasmimport postern:filter/config@0.1.0 json
func importConfigJSON(results uint32)

//go:wasmimport postern:filter/log@0.1.0 enabled
func importLogEnabled(level uint32) uint32

//go:wasmimport postern:filter/log@0.1.0 write
func importLogWrite(level, at, size, fields, count uint32)

//go:wasmimport postern:filter/metrics@0.1.0 count
func importMetricsCount(at, size uint32, by uint64)

//go:wasmimport postern:filter/metrics@0.1.0 gauge
func importMetricsGauge(at, size uint32, value float64)

//go:wasmimport postern:filter/metrics@0.1.0 observe
func importMetricsObserve(at, size uint32, value float64)

//go:wasmimport postern:filter/clock@0.1.0 now
func importClockNow() uint64

//go:wasmimport postern:filter/clock@0.1.0 monotonic
func importClockMonotonic() uint64

//go:wasmimport postern:filter/outbox@0.1.0 send
func importOutboxSend(kind, first, count, except, excepted, format, at, size uint32)

//go:wasmimport postern:filter/clients@0.1.0 count
func importClientsCount(kind, first, count uint32) uint64

//go:wasmimport postern:filter/clients@0.1.0 find
func importClientsFind(kind, first, count, limit, results uint32)

//go:wasmimport postern:filter/clients@0.1.0 get
func importClientsGet(client uint64, results uint32)

//go:wasmimport postern:filter/clients@0.1.0 add-label
func importClientsAddLabel(client uint64, key, keySize, value, valueSize uint32)

//go:wasmimport postern:filter/clients@0.1.0 remove-label
func importClientsRemoveLabel(client uint64, key, keySize, value, valueSize uint32)

//go:wasmimport postern:filter/clients@0.1.0 disconnect
func importClientsDisconnect(client uint64, code, at, size uint32)

//go:wasmimport postern:filter/clients@0.1.0 pong
func importClientsPong(client uint64, at, size uint32)

//go:wasmimport postern:filter/kv@0.1.0 get
func importKVGet(key, keySize, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 set
func importKVSet(key, keySize, value, valueSize, limited uint32, ttl uint64, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 add
func importKVAdd(key, keySize, value, valueSize, limited uint32, ttl uint64, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 increment
func importKVIncrement(key, keySize uint32, by int64, limited uint32, ttl uint64, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 swap
func importKVSwap(key, keySize, hasOld, old, oldSize, hasNew, value, valueSize, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 delete
func importKVDelete(key, keySize, results uint32)

//go:wasmimport postern:filter/kv@0.1.0 keys
func importKVKeys(prefix, prefixSize, hasAfter, after, afterSize, limit, results uint32)

//go:wasmimport postern:filter/signing@0.1.0 verify
func importSigningVerify(secret, secretSize, algorithm, data, dataSize, signature, signatureSize, results uint32)

//go:wasmimport postern:filter/signing@0.1.0 sign
func importSigningSign(secret, secretSize, algorithm, data, dataSize, results uint32)

// What stands in for WASI within the component: see preview1.wat beside the
// build's recipe.

//go:wasmimport wasi_snapshot_preview1 postern_clock
func standInClock(milliseconds uint64)

//go:wasmimport wasi_snapshot_preview1 postern_lines
func standInLines(at, size uint32)

//go:wasmimport wasi_snapshot_preview1 fd_sync
func standInSync(file uint32) uint32

//go:wasmimport wasi_snapshot_preview1 proc_exit
func standInExit(code uint32)
