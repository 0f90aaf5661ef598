package postern

// The handles that postern gives.

type heldMessage struct {
	handle uint32
	gone   bool
}

type heldClient struct {
	handle uint32
	gone   bool
}

type heldRequest struct {
	handle uint32
	gone   bool
}

func (h *heldMessage) use() uint32 { return use(h.handle, h.gone, "Message") }
func (h *heldClient) use() uint32  { return use(h.handle, h.gone, "Client") }
func (h *heldRequest) use() uint32 { return use(h.handle, h.gone, "Request") }

func use(handle uint32, gone bool, what string) uint32 {
	if gone {
		panic("postern: a " + what + " is good until the function it was given to returns, and is used later")
	}
	begin()
	return handle
}

func (h *heldMessage) id() uint64 {
	n := messageID(h.use())
	end()
	return n
}

func (h *heldMessage) source() string {
	messageSource(h.use(), results())
	value := backString()
	end()
	return value
}

func (h *heldMessage) received() uint64 {
	n := messageReceived(h.use())
	end()
	return n
}

func (h *heldMessage) format() Format {
	n := messageFormat(h.use())
	end()
	return Format(n)
}

func (h *heldMessage) size() uint64 {
	n := messageSize(h.use())
	end()
	return n
}

func (h *heldMessage) data() []byte {
	messageData(h.use(), results())
	value := backBytes()
	end()
	return value
}

func (h *heldMessage) read(offset, length uint64) []byte {
	messageRead(h.use(), offset, length, results())
	value := backBytes()
	end()
	return value
}

func (h *heldMessage) json(pointer string) (string, bool) {
	handle := h.use()
	at, size := textAt(pointer)
	messageJSON(handle, at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldMessage) header(name string) (string, bool) {
	handle := h.use()
	at, size := textAt(name)
	messageHeader(handle, at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldClient) id() uint64 {
	n := clientID(h.use())
	end()
	return n
}

func (h *heldClient) subject() (string, bool) {
	clientSubject(h.use(), results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldClient) label(key string) (string, bool) {
	handle := h.use()
	at, size := textAt(key)
	clientLabel(handle, at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldClient) labels() []Label {
	clientLabels(h.use(), results())
	pairs := pairsFrom(back32(0), back32(4))
	end()
	labels := make([]Label, len(pairs))
	for i, pair := range pairs {
		labels[i] = Label{pair[0], pair[1]}
	}
	return labels
}

func (h *heldClient) address() string {
	clientAddress(h.use(), results())
	value := backString()
	end()
	return value
}

func (h *heldClient) since() uint64 {
	n := clientSince(h.use())
	end()
	return n
}

func (h *heldRequest) method() string {
	requestMethod(h.use(), results())
	value := backString()
	end()
	return value
}

func (h *heldRequest) path() string {
	requestPath(h.use(), results())
	value := backString()
	end()
	return value
}

func (h *heldRequest) query() (string, bool) {
	requestQuery(h.use(), results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldRequest) param(name string) (string, bool) {
	handle := h.use()
	at, size := textAt(name)
	requestParam(handle, at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldRequest) header(name string) (string, bool) {
	handle := h.use()
	at, size := textAt(name)
	requestHeader(handle, at, size, results())
	text, ok := backOption()
	end()
	return text, ok
}

func (h *heldRequest) headers() []Header {
	requestHeaders(h.use(), results())
	pairs := pairsFrom(back32(0), back32(4))
	end()
	headers := make([]Header, len(pairs))
	for i, pair := range pairs {
		headers[i] = Header{pair[0], pair[1]}
	}
	return headers
}

func (h *heldRequest) address() string {
	requestAddress(h.use(), results())
	value := backString()
	end()
	return value
}

func (h *heldRequest) body() []byte {
	requestBody(h.use(), results())
	value := backBytes()
	end()
	return value
}

func (h *heldMessage) drop() {
	if !h.gone {
		messageDrop(h.use())
		end()
		h.gone = true
	}
}

func (h *heldClient) drop() {
	if !h.gone {
		clientDrop(h.use())
		end()
		h.gone = true
	}
}

func (h *heldRequest) drop() {
	if !h.gone {
		requestDrop(h.use())
		end()
		h.gone = true
	}
}
