package postern

import (
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// What postern calls. All handlers are here; of those the component has the
// ones that filter.toml names.

// Where a call's answer is put: all begin with 0, or with 1 and then an error's
// words. Nothing of Go runs between that and postern's reading it.
var answer = newBlock(56)

// What is printed is put together here, line by line, for postern's log.
var lines [4096]byte

func init() {
	standInLines(uint32(uintptr(unsafe.Pointer(&lines))), uint32(len(lines)))
	standInClock(clockNow())
}

// arrive begins a call. What postern has written as its arguments is theirs
// until `proceed`.
func arrive() {
	busy = true
	clear(held)
	held = held[:0]
}

func proceed() {
	end()
	standInClock(clockNow())
}

// run is a handler's work. A panic has words in the log, and ends the instance.
func run(work func()) {
	defer func() {
		if reason := recover(); reason != nil {
			die(reason)
		}
	}()
	work()
}

// leave ends a call, and says whether an error is its answer. Nobody can make a
// call then until the answer has been read.
func leave(err error) (failed bool) {
	var words string
	if err != nil {
		run(func() { words = legible(err.Error()) })
	}
	for _, client := range asked {
		client.held.drop()
	}
	clear(asked)
	asked = asked[:0]
	standInSync(1)
	begin()
	clear(answer)
	if err != nil {
		answer.put8(0, 1)
		answer.putText(4, words)
	}
	return err != nil
}

// answered is where the answer is.
func answered() uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(answer)))) }

func die(reason any) {
	busy = false
	Log.Error("panic: "+words(reason), "at", place())
	standInSync(1)
	standInExit(2)
}

func words(reason any) string {
	switch reason := reason.(type) {
	case error:
		return reason.Error()
	case interface{ String() string }:
		return reason.String()
	case string:
		return reason
	case int:
		return strconv.Itoa(reason)
	}
	return "with a value that has no words"
}

// place is where the filter panicked: the first that is not Go's own or ours.
func place() string {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers[:])])
	for past := false; ; {
		frame, more := frames.Next()
		own := strings.HasPrefix(frame.Function, "runtime.") || strings.HasPrefix(frame.Function, "postern.")
		if past && !own {
			return frame.File + ":" + strconv.Itoa(frame.Line)
		}
		past = past || frame.Function == "runtime.gopanic"
		if !more {
			return "unknown"
		}
	}
}

// missing is a handler that filter.toml names and nobody registered.
func missing(function string) error {
	return fault("the filter does not call postern." + function + ", and exports what that is for")
}

//go:wasmexport postern:filter/setup@0.1.0#configure
func exportConfigure() uint32 {
	arrive()
	proceed()
	var err error
	if registered.setup == nil {
		err = missing("Setup")
	} else {
		run(func() { err = registered.setup() })
	}
	leave(err)
	return answered()
}

//go:wasmexport postern:filter/message-handler@0.1.0#on-message
func exportOnMessage(handle uint32) uint32 {
	arrive()
	proceed()
	message := &Message{heldMessage{handle: handle}}
	var verdict Verdict
	var err error
	if registered.onMessage == nil {
		err = missing("OnMessage")
	} else {
		run(func() { verdict, err = registered.onMessage(message) })
	}
	message.held.drop()
	return judged(verdict, err)
}

//go:wasmexport postern:filter/client-handler@0.1.0#on-client-message
func exportOnClientMessage(sender, handle uint32) uint32 {
	arrive()
	proceed()
	client, message := &Client{heldClient{handle: sender}}, &Message{heldMessage{handle: handle}}
	var verdict Verdict
	var err error
	if registered.onClientMessage == nil {
		err = missing("OnClientMessage")
	} else {
		run(func() { verdict, err = registered.onClientMessage(client, message) })
	}
	client.held.drop()
	message.held.drop()
	return judged(verdict, err)
}

// judged is a verdict as postern reads it.
func judged(verdict Verdict, err error) uint32 {
	if leave(err) {
		return answered()
	}
	answer.put8(4, uint8(min(verdict.Kind, VerdictSend)))
	switch verdict.Kind {
	case VerdictPass:
	case VerdictDrop:
		answer.putOption(8, legible(verdict.Reason))
	case VerdictRewrite:
		answer.putPayload(8, verdict.Payload)
	default:
		const size = 36
		b := newBlock(size * len(verdict.Deliveries))
		for i, delivery := range verdict.Deliveries {
			at := size * i
			b.putSelector(at, delivery.To)
			b.putIDs(at+12, delivery.Except)
			if delivery.Payload != nil {
				b.put8(at+20, 1)
				b.putPayload(at+24, *delivery.Payload)
			}
		}
		answer.putBlock(8, b, len(verdict.Deliveries))
	}
	return answered()
}

//go:wasmexport postern:filter/admission-handler@0.1.0#on-connect
func exportOnConnect(handle uint32) uint32 {
	arrive()
	proceed()
	request := &Request{heldRequest{handle: handle}}
	var admission Admission
	var err error
	if registered.onConnect == nil {
		err = missing("OnConnect")
	} else {
		run(func() { admission, err = registered.onConnect(request) })
	}
	request.held.drop()
	if leave(err) {
		return answered()
	}
	if grant := admission.Grant; grant != nil {
		answer.putOption(8, grant.Subject)
		if grant.Nameless {
			answer.put8(8, 1)
		}
		answer.putLabels(20, grant.Labels)
		answer.putOption(28, grant.Subprotocol)
		if grant.Greeting != nil {
			answer.put8(40, 1)
			answer.putPayload(44, *grant.Greeting)
		}
		return answered()
	}
	denial := admission.Denial
	answer.put8(4, 1)
	answer.put16(8, status(denial.Status))
	answer.putText(12, denial.Body)
	answer.putOption(20, legible(denial.Reason))
	return answered()
}

// status is 0, which is none, when it is out of all bounds.
func status(status int) uint16 {
	if status < 0 || status > 0xffff {
		return 0
	}
	return uint16(status)
}

//go:wasmexport postern:filter/event-handler@0.1.0#on-event
func exportOnEvent(handle, kind, a, b, c, d uint32) uint32 {
	arrive()
	event := Event{Kind: EventKind(kind)}
	switch event.Kind {
	case Closing:
		if a != 0 {
			event.Close = &Close{uint16(b), stringFrom(c, d)}
		}
	case Disconnected:
		if a != 0 {
			event.Reason = stringFrom(b, c)
		}
	case Pinged, Ponged:
		event.Data = bytesFrom(a, b)
	}
	proceed()
	client := &Client{heldClient{handle: handle}}
	var err error
	if registered.onEvent == nil {
		err = missing("OnEvent")
	} else {
		run(func() { err = registered.onEvent(client, event) })
	}
	client.held.drop()
	leave(err)
	return answered()
}

//go:wasmexport postern:filter/audience-handler@0.1.0#choose
func exportChoose(handle, at, count uint32) uint32 {
	arrive()
	handles, _ := written(at, count*4)
	among := make([]*Client, count)
	for i := range among {
		among[i] = &Client{heldClient{handle: *(*uint32)(unsafe.Pointer(&handles[4*i]))}}
	}
	proceed()
	message := &Message{heldMessage{handle: handle}}
	var answers []bool
	var err error
	if registered.choose == nil {
		err = missing("Choose")
	} else {
		run(func() { answers, err = registered.choose(message, among) })
	}
	message.held.drop()
	for _, client := range among {
		client.held.drop()
	}
	if !leave(err) {
		answer.putList(4, unsafe.Pointer(unsafe.SliceData(answers)), len(answers))
	}
	return answered()
}

//go:wasmexport postern:filter/http-handler@0.1.0#on-request
func exportOnRequest(handle uint32) uint32 {
	arrive()
	proceed()
	request := &Request{heldRequest{handle: handle}}
	var verdict HTTPVerdict
	var err error
	if registered.onRequest == nil {
		err = missing("OnRequest")
	} else {
		run(func() { verdict, err = registered.onRequest(request) })
	}
	request.held.drop()
	if leave(err) {
		return answered()
	}
	answer.put8(4, uint8(min(verdict.Kind, HTTPAccept)))
	switch verdict.Kind {
	case HTTPNotMine:
	case HTTPRespond:
		answer.putResponse(8, verdict.Response)
	default:
		answer.putPayload(8, verdict.Payload)
		answer.putResponse(20, verdict.Response)
	}
	return answered()
}

func (b block) putResponse(at int, response Response) {
	headers := newBlock(16 * len(response.Headers))
	for i, header := range response.Headers {
		headers.putText(16*i, header.Name)
		headers.putRaw(16*i+8, header.Value)
	}
	b.put16(at, status(response.Status))
	b.putBlock(at+4, headers, len(response.Headers))
	b.putBytes(at+12, response.Body)
}
