package main

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"postern"
)

type step struct {
	op      string
	at      string
	message *postern.Message
	sender  *postern.Client
}

// arg is an argument, which may be missing.
func (s step) arg(name string) (string, bool) { return s.message.JSON(s.at + "/" + name) }

// text is an argument, empty when it is missing.
func (s step) text(name string) string {
	text, _ := s.arg(name)
	return text
}

// bytes is an argument, nil when it is missing.
func (s step) bytes(name string) []byte {
	text, some := s.arg(name)
	if !some {
		return nil
	}
	return append([]byte{}, text...)
}

func (s step) number(name string) uint64 {
	number, _ := strconv.ParseUint(s.text(name), 10, 64)
	return number
}

func (s step) float(name string) float64 {
	number, _ := strconv.ParseFloat(s.text(name), 64)
	return number
}

func (s step) id() postern.ClientID { return postern.ClientID(s.number("a")) }

func (s step) ttl(name string) []postern.KVOption {
	if _, some := s.arg(name); !some {
		return nil
	}
	return []postern.KVOption{postern.TTL(time.Duration(s.number(name)) * time.Millisecond)}
}

const ok = "ok"

// do does one step, and gives its line of the report.
func do(s step) (string, error) {
	for _, some := range []func(step) (string, bool, error){ofMessage, ofGateway, ofClients, ofKV, ofSigning, ofHarm} {
		if line, known, err := some(s); known || err != nil {
			return line, err
		}
	}
	return "", errors.New("unknown op: " + s.op)
}

func ofMessage(s step) (line string, known bool, err error) {
	m := s.message
	switch s.op {
	case "id":
		line = decimal(m.ID())
	case "source":
		line = m.Source()
	case "received":
		line = decimal(m.Received().UnixMilli())
	case "format":
		line = m.Format().String()
	case "size":
		line = decimal(m.Size())
	case "data":
		line = string(m.Data())
	case "read":
		line = string(m.Slice(s.number("a"), s.number("b")))
	case "json":
		line = orNone(m.JSON(s.text("a")))
	case "header":
		line = orNone(m.Header(s.text("a")))
	default:
		return "", false, nil
	}
	return line, true, nil
}

func ofGateway(s step) (line string, known bool, err error) {
	line = ok
	switch s.op {
	case "config":
		line = orNone(postern.Config.Get(s.text("a")))
	case "config-json":
		line = postern.Config.JSON()
	case "enabled":
		line = strconv.FormatBool(postern.Log.Enabled(level(s.text("a"))))
	case "log":
		if key, some := s.arg("c"); some {
			postern.Log.Write(level(s.text("a")), s.text("b"), key, s.text("d"))
		} else {
			postern.Log.Write(level(s.text("a")), s.text("b"))
		}
	case "count":
		postern.Metrics.Count(s.text("a"), s.number("b"))
	case "gauge":
		postern.Metrics.Gauge(s.text("a"), s.float("b"))
	case "observe":
		postern.Metrics.Observe(s.text("a"), s.float("b"))
	case "now":
		line = decimal(postern.Clock.Now().UnixMilli())
	case "monotonic":
		if first := postern.Clock.Monotonic(); postern.Clock.Monotonic() < first {
			line = "back"
		}
	default:
		return "", false, nil
	}
	return line, true, nil
}

func level(name string) postern.LogLevel {
	for level := postern.LevelTrace; level < postern.LevelError; level++ {
		if level.String() == name {
			return level
		}
	}
	return postern.LevelError
}

func ofClients(s step) (line string, known bool, err error) {
	line = ok
	switch s.op {
	case "clients-count", "clients-find":
		var among postern.Selector
		if among, err = selectorOf(s.text("a")); err != nil {
			return "", true, err
		}
		if s.op == "clients-count" {
			return decimal(postern.Clients.Count(among)), true, nil
		}
		var ids []string
		for _, id := range postern.Clients.Find(among, uint32(s.number("b"))) {
			ids = append(ids, decimal(id))
		}
		line = strings.Join(ids, ",")
	case "client":
		line = describe(postern.Clients.Get(s.id()))
	case "sender":
		line = describe(s.sender)
	case "label":
		postern.Clients.AddLabel(s.id(), postern.L(s.text("b"), s.text("c")))
	case "unlabel":
		postern.Clients.RemoveLabel(s.id(), postern.L(s.text("b"), s.text("c")))
	case "disconnect":
		postern.Clients.Disconnect(s.id(), postern.Close{Code: uint16(s.number("b")), Reason: s.text("c")})
	case "pong":
		postern.Clients.Pong(s.id(), s.bytes("b"))
	case "send", "send-binary":
		to, wrong := selectorOf(s.text("a"))
		except, unread := idsOf(s.text("c"))
		if err = errors.Join(wrong, unread); err != nil {
			return "", true, err
		}
		what := postern.Text(s.text("b"))
		if s.op == "send-binary" {
			what = postern.Binary(s.bytes("b"))
		}
		postern.Outbox.Send(to, what, except...)
	default:
		return "", false, nil
	}
	return line, true, nil
}

func ofKV(s step) (line string, known bool, err error) {
	line = ok
	key := s.text("a")
	switch s.op {
	case "kv-get":
		var value []byte
		value, err = postern.KV.Get(key)
		line = orNone(string(value), value != nil)
	case "kv-set":
		err = postern.KV.Set(key, s.bytes("b"), s.ttl("c")...)
	case "kv-add":
		line, err = boolean(postern.KV.Add(key, s.bytes("b"), s.ttl("c")...))
	case "kv-increment":
		var by, sum int64
		if by, err = strconv.ParseInt(s.text("b"), 10, 64); err != nil {
			return "", true, err
		}
		sum, err = postern.KV.Increment(key, by, s.ttl("c")...)
		line = decimal(sum)
	case "kv-swap":
		line, err = boolean(postern.KV.Swap(key, s.bytes("b"), s.bytes("c")))
	case "kv-delete":
		err = postern.KV.Delete(key)
	case "kv-keys":
		var keys []string
		keys, err = postern.KV.Keys(key, s.text("b"), uint32(s.number("c")))
		line = strings.Join(keys, ",")
	default:
		return "", false, nil
	}
	if err != nil {
		line, err = fault(err)
	}
	return line, true, err
}

func ofSigning(s step) (line string, known bool, err error) {
	algorithm := postern.HMACSHA1
	for algorithm < postern.HMACSHA512 && algorithm.String() != s.text("b") {
		algorithm++
	}
	switch s.op {
	case "sign":
		var signature []byte
		signature, err = postern.Signing.Sign(s.text("a"), algorithm, s.bytes("c"))
		line = hex.EncodeToString(signature)
	case "verify":
		var signature []byte
		if signature, err = hex.DecodeString(s.text("d")); err != nil {
			return "", true, err
		}
		line, err = boolean(postern.Signing.Verify(s.text("a"), algorithm, s.bytes("c"), signature))
	default:
		return "", false, nil
	}
	if err != nil {
		line, err = fault(err)
	}
	return line, true, err
}

var grown []byte

// ofHarm is what postern must stop.
func ofHarm(s step) (line string, known bool, err error) {
	switch s.op {
	case "loop":
		for n := 0; ; n++ {
			spin = n
		}
	case "trap":
		panic("told to")
	case "grow":
		grown = make([]byte, s.number("a")<<20)
		for at := 0; at < len(grown); at += 4096 {
			grown[at] = 1
		}
	case "recurse":
		return decimal(recurse(1)), true, nil
	default:
		return "", false, nil
	}
	return ok, true, nil
}

var spin int

func recurse(n int) int { return recurse(n+1) + 1 }
