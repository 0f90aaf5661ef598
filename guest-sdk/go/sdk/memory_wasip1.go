package postern

import (
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// How values cross between Go and postern, by the component model's canonical
// ABI.
//
// Addresses are numbers of 32 bits that Go's collector does not see. So what
// postern is to read is held on to, and is on the heap for that reason: a stack
// moves when it grows. What postern writes goes into a room that never moves,
// without Go allocating while postern waits within a call out of here; only
// what is too large for that is allocated then.
//
// One call out of here is made at a time, from its arguments to its results,
// however many goroutines there are.

var (
	busy    bool             // a call is being made, or answered
	lending bool             // memory is being allocated at postern's request
	held    []unsafe.Pointer // what postern is to read
	back    [4]uint64        // results of calls
	room    [8 << 10]uint64  // what postern has written
	used    uint32           // bytes of it
	large   [][]uint64       // the same, of what is too large for it
)

// begin waits for its turn to make a call.
func begin() {
	for busy || lending {
		runtime.Gosched()
	}
	busy = true
}

// end lets go of what one call was made with.
func end() {
	clear(held)
	held = held[:0]
	if used > 0 || len(large) > 0 {
		used = 0
		clear(large)
		large = large[:0]
	}
	busy = false
}

// address of what postern is to read. It is held on to until the call ends.
func address(p unsafe.Pointer) uint32 {
	held = append(held, p)
	return uint32(uintptr(p))
}

//go:wasmexport cabi_realloc
func realloc(old, oldSize, align, size uint32) uint32 {
	start := (used + align - 1) &^ (align - 1)
	at := uint32(uintptr(unsafe.Pointer(&room))) + start
	if capacity := uint32(len(room) * 8); start > capacity || size > capacity-start {
		// Goroutines that the allocation may let run must not make calls now.
		lending = true
		block := make([]uint64, (uint64(size)+7)/8)
		large = append(large, block)
		lending = false
		at = uint32(uintptr(unsafe.Pointer(unsafe.SliceData(block))))
	} else {
		used = start + size
	}
	if oldSize > 0 {
		before, _ := written(old, min(oldSize, size))
		after, _ := written(at, size)
		copy(after, before)
	}
	return at
}

// written is what postern wrote at an address that it was given, and whether
// that may be kept.
func written(at, size uint32) (bytes []byte, own bool) {
	if size == 0 {
		return nil, true
	}
	if start := at - uint32(uintptr(unsafe.Pointer(&room))); start < uint32(len(room)*8) {
		return unsafe.Slice((*byte)(unsafe.Pointer(&room)), len(room)*8)[start : start+size : start+size], false
	}
	for _, block := range large {
		first := unsafe.SliceData(block)
		if uint32(uintptr(unsafe.Pointer(first))) == at {
			return unsafe.Slice((*byte)(unsafe.Pointer(first)), len(block)*8)[:size:size], true
		}
	}
	panic("postern: memory that was not given out came back")
}

// The value at a place in the results.
func back8(at uintptr) uint8   { return *(*uint8)(unsafe.Add(unsafe.Pointer(&back), at)) }
func back32(at uintptr) uint32 { return *(*uint32)(unsafe.Add(unsafe.Pointer(&back), at)) }

// results is where calls are to put them.
func results() uint32 { return uint32(uintptr(unsafe.Pointer(&back))) }

func bytesFrom(at, size uint32) []byte {
	bytes, own := written(at, size)
	if own && size > 0 {
		return bytes
	}
	return append(make([]byte, 0, size), bytes...)
}

func stringFrom(at, size uint32) string {
	bytes, own := written(at, size)
	if own && size > 0 {
		return unsafe.String(unsafe.SliceData(bytes), len(bytes))
	}
	return string(bytes)
}

// backString and the like are of results that are one of these.
func backString() string { return stringFrom(back32(0), back32(4)) }
func backBytes() []byte  { return bytesFrom(back32(0), back32(4)) }

func backOption() (string, bool) {
	if back8(0) == 0 {
		return "", false
	}
	return stringFrom(back32(4), back32(8)), true
}

func stringsFrom(at, count uint32) []string {
	if count == 0 {
		return nil
	}
	bytes, _ := written(at, count*8)
	words := unsafe.Slice((*[2]uint32)(unsafe.Pointer(unsafe.SliceData(bytes))), count)
	texts := make([]string, count)
	for i, word := range words {
		texts[i] = stringFrom(word[0], word[1])
	}
	return texts
}

// pairsFrom are records of two strings.
func pairsFrom(at, count uint32) [][2]string {
	if count == 0 {
		return nil
	}
	bytes, _ := written(at, count*16)
	words := unsafe.Slice((*[4]uint32)(unsafe.Pointer(unsafe.SliceData(bytes))), count)
	pairs := make([][2]string, count)
	for i, word := range words {
		pairs[i] = [2]string{stringFrom(word[0], word[1]), stringFrom(word[2], word[3])}
	}
	return pairs
}

// block is memory that postern is to read.
type block []uint64

func newBlock(size int) block { return make(block, (size+7)/8) }

func (b block) at() uint32 { return address(unsafe.Pointer(unsafe.SliceData(b))) }

func (b block) place(at int) unsafe.Pointer {
	return unsafe.Pointer(&unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b))), len(b)*8)[at])
}

func (b block) put8(at int, value uint8)   { *(*uint8)(b.place(at)) = value }
func (b block) put16(at int, value uint16) { *(*uint16)(b.place(at)) = value }
func (b block) put32(at int, value uint32) { *(*uint32)(b.place(at)) = value }

func (b block) putList(at int, first unsafe.Pointer, count int) {
	if count > 0 {
		b.put32(at, address(first))
		b.put32(at+4, uint32(count))
	}
}

// putText is of a string of the package, which is UTF-8; putRaw of any bytes.
func (b block) putText(at int, text string) { b.putRaw(at, valid(text)) }

func (b block) putRaw(at int, bytes string) {
	b.putList(at, unsafe.Pointer(unsafe.StringData(bytes)), len(bytes))
}

// putOption is of what is not said when it is empty.
func (b block) putOption(at int, text string) {
	if text != "" {
		b.put8(at, 1)
		b.putText(at+4, text)
	}
}

func (b block) putBytes(at int, bytes []byte) {
	b.putList(at, unsafe.Pointer(unsafe.SliceData(bytes)), len(bytes))
}

func (b block) putPayload(at int, payload Payload) {
	b.put8(at, uint8(payload.Format))
	b.putBytes(at+4, payload.Data)
}

func (b block) putIDs(at int, ids []ClientID) {
	b.putList(at, unsafe.Pointer(unsafe.SliceData(ids)), len(ids))
}

func (b block) putBlock(at int, items block, count int) {
	b.putList(at, unsafe.Pointer(unsafe.SliceData(items)), count)
}

func (b block) putLabels(at int, labels []Label) { b.putBlock(at, labelBlock(labels), len(labels)) }

// labelBlock has labels as postern reads them, 16 bytes each.
func labelBlock(labels []Label) block {
	b := newBlock(16 * len(labels))
	for i, label := range labels {
		b.putText(16*i, label.Key)
		b.putText(16*i+8, label.Value)
	}
	return b
}

// flat is a selector as arguments.
func (s Selector) flat() (kind, first, count uint32) {
	switch s.Kind {
	case SelectEveryone:
		return uint32(SelectEveryone), 0, 0
	case SelectClients:
		first, count = idsAt(s.IDs)
		return uint32(SelectClients), first, count
	default:
		return uint32(min(s.Kind, SelectAllLabels)), labelBlock(s.Labels).at(), uint32(len(s.Labels))
	}
}

func (b block) putSelector(at int, s Selector) {
	kind, first, count := s.flat()
	b.put8(at, uint8(kind))
	b.put32(at+4, first)
	b.put32(at+8, count)
}

// textAt and the like are lists as arguments.
func textAt(text string) (at, size uint32) {
	text = valid(text)
	return address(unsafe.Pointer(unsafe.StringData(text))), uint32(len(text))
}

func bytesAt(bytes []byte) (at, size uint32) {
	return address(unsafe.Pointer(unsafe.SliceData(bytes))), uint32(len(bytes))
}

func idsAt(ids []ClientID) (at, count uint32) {
	// An empty list needs an address as well, and an aligned one.
	if len(ids) == 0 {
		return 0, 0
	}
	return address(unsafe.Pointer(unsafe.SliceData(ids))), uint32(len(ids))
}

// valid is a text that postern would not take if it were no UTF-8: what names
// something must not become another name.
func valid(text string) string {
	if !utf8.ValidString(text) {
		panic("postern: this must be UTF-8: " + strconv.Quote(text[:min(len(text), 64)]))
	}
	return text
}

// legible is a text for people to read, whatever it was.
func legible(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
