//go:build !wasip1

package postern

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"hash"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Handles, as values in memory.

type heldMessage struct{ *FakeMessage }

func (h *heldMessage) id() uint64       { return h.ID }
func (h *heldMessage) source() string   { return h.Source }
func (h *heldMessage) received() uint64 { return uint64(h.Received.UnixMilli()) }
func (h *heldMessage) format() Format   { return h.Payload.Format }
func (h *heldMessage) size() uint64     { return uint64(len(h.Payload.Data)) }
func (h *heldMessage) data() []byte     { return slices.Clone(h.Payload.Data) }

func (h *heldMessage) read(offset, length uint64) []byte {
	rest := h.Payload.Data[min(offset, h.size()):]
	return slices.Clone(rest[:min(length, uint64(len(rest)))])
}

func (h *heldMessage) json(pointer string) (string, bool) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(h.Payload.Data)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return "", false
	}
	if pointer != "" && pointer[0] != '/' {
		return "", false
	}
	steps := strings.Split(pointer, "/")[1:]
	if pointer == "" {
		steps = nil
	}
	for _, step := range steps {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch whole := value.(type) {
		case map[string]any:
			part, there := whole[step]
			if !there {
				return "", false
			}
			value = part
		case []any:
			at, err := strconv.ParseUint(step, 10, 31)
			if err != nil || at >= uint64(len(whole)) {
				return "", false
			}
			value = whole[at]
		default:
			return "", false
		}
	}
	return textOf(value), true
}

func (h *heldMessage) header(name string) (string, bool) {
	for key, value := range h.Headers {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return "", false
}

type heldClient struct{ *FakeClient }

func (h *heldClient) id() uint64              { return uint64(h.ID) }
func (h *heldClient) subject() (string, bool) { return h.Subject, h.Subject != "" }
func (h *heldClient) labels() []Label         { return slices.Clone(h.Labels) }
func (h *heldClient) address() string         { return h.Address }
func (h *heldClient) since() uint64           { return uint64(h.Since.UnixMilli()) }

func (h *heldClient) label(key string) (string, bool) {
	for _, label := range h.Labels {
		if label.Key == key {
			return label.Value, true
		}
	}
	return "", false
}

func (h *heldClient) chosen(by Selector) bool {
	has := func(label Label) bool { return slices.Contains(h.Labels, label) }
	hasNot := func(label Label) bool { return !has(label) }
	switch by.Kind {
	case SelectEveryone:
		return true
	case SelectClients:
		return slices.Contains(by.IDs, h.ID)
	case SelectAnyLabel:
		return slices.ContainsFunc(by.Labels, has)
	default:
		return !slices.ContainsFunc(by.Labels, hasNot)
	}
}

type heldRequest struct{ *FakeRequest }

func (h *heldRequest) method() string        { return h.Method }
func (h *heldRequest) path() string          { return h.Path }
func (h *heldRequest) query() (string, bool) { return h.Query, h.Query != "" }
func (h *heldRequest) headers() []Header     { return slices.Clone(h.Headers) }
func (h *heldRequest) address() string       { return h.Address }
func (h *heldRequest) body() []byte          { return slices.Clone(h.Body) }

func (h *heldRequest) param(name string) (string, bool) {
	values, _ := url.ParseQuery(h.Query)
	if !values.Has(name) {
		return "", false
	}
	return values.Get(name), true
}

func (h *heldRequest) header(name string) (string, bool) {
	for _, header := range h.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value, true
		}
	}
	return "", false
}

func signingVerify(secret string, algorithm Algorithm, data, signature []byte) (bool, error) {
	right, err := signingSign(secret, algorithm, data)
	return err == nil && hmac.Equal(right, signature), err
}

func signingSign(secret string, algorithm Algorithm, data []byte) ([]byte, error) {
	key, there := double.Secrets[secret]
	if !there {
		return nil, ErrNoSuchSecret
	}
	sum := hmac.New([...]func() hash.Hash{sha1.New, sha256.New, sha512.New}[algorithm], []byte(key))
	sum.Write(data)
	return sum.Sum(nil), nil
}
