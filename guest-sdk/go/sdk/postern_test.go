//go:build !wasip1

package postern

import (
	"errors"
	"io"
	"reflect"
	"testing"
	"time"
)

func TestAMessageIsReadByPointerAndInPieces(t *testing.T) {
	message := NewDouble(t).Message(`{"a":{"b/c":[1,"two",null]},"~":true}`)
	for pointer, want := range map[string]string{
		"/a/b~1c/0": "1", "/a/b~1c/1": "two", "/a/b~1c/2": "null", "/~0": "true", "/a/b~1c": `[1,"two",null]`,
	} {
		if got, there := message.JSON(pointer); got != want || !there {
			t.Errorf("%s is %q, %v", pointer, got, there)
		}
	}
	for _, pointer := range []string{"/b", "/a/b~1c/3", "/a/b~1c/x", "a"} {
		if got, there := message.JSON(pointer); there {
			t.Errorf("%s is %q", pointer, got)
		}
	}
	whole, err := io.ReadAll(io.NewSectionReader(message, 0, message.Size()))
	if err != nil || string(whole) != string(message.Data()) {
		t.Errorf("read %q, %v", whole, err)
	}
	if part := message.Slice(2, 3); string(part) != `a":` {
		t.Errorf("a slice is %q", part)
	}
}

func TestWhatIsKeptIsKept(t *testing.T) {
	double := NewDouble(t)
	if value, err := KV.Get("a"); value != nil || err != nil {
		t.Errorf("what is not there is %q, %v", value, err)
	}
	for n, want := range []bool{true, false} {
		if did, err := KV.Add("seen", nil, TTL(time.Minute)); did != want || err != nil {
			t.Errorf("added for the %d. time: %v, %v", n+1, did, err)
		}
	}
	if did, err := KV.Swap("a", nil, []byte("1")); !did || err != nil {
		t.Errorf("swapped from none: %v, %v", did, err)
	}
	if sum, err := KV.Increment("a", 41); sum != 42 || err != nil {
		t.Errorf("the sum is %d, %v", sum, err)
	}
	if _, err := KV.Increment("seen", 1); !errors.Is(err, ErrNotANumber) {
		t.Errorf("an empty value is a number: %v", err)
	}
	if keys, err := KV.Keys("", "a", 10); !reflect.DeepEqual(keys, []string{"seen"}) || err != nil {
		t.Errorf("keys after a: %q, %v", keys, err)
	}
	double.KVError = ErrUnavailable
	if err := KV.Set("b", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an unavailable store keeps: %v", err)
	}
}

func TestATimeToLiveIsOfWholeMillisecondsAndNeverShorter(t *testing.T) {
	for ttl, want := range map[time.Duration]uint64{time.Second: 1000, time.Microsecond: 1, -time.Second: 0, 0: 0} {
		if got := lastingOf([]KVOption{TTL(ttl)}); got != (lasting{true, want}) {
			t.Errorf("%v is %v", ttl, got)
		}
	}
	if lastingOf(nil).limited {
		t.Error("what has no TTL goes by itself")
	}
}

func TestClientsAreFoundByTheirLabels(t *testing.T) {
	double := NewDouble(t)
	double.Connect(FakeClient{ID: 1, Subject: "ann", Labels: []Label{L("room", "lobby"), L("desk", "night")}})
	double.Connect(FakeClient{ID: 2, Labels: []Label{L("room", "lobby")}})
	for _, c := range []struct {
		among Selector
		want  []ClientID
	}{
		{Everyone(), []ClientID{1, 2}},
		{ByID(2, 3), []ClientID{2}},
		{Labelled("desk", "night"), []ClientID{1}},
		{AllLabels(L("room", "lobby"), L("desk", "night")), []ClientID{1}},
		{AnyLabel(), []ClientID{}},
	} {
		if got := Clients.Find(c.among, 10); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v finds %v", c.among, got)
		}
	}
	Clients.AddLabel(2, L("desk", "day"))
	if desk, _ := Clients.Get(2).Label("desk"); desk != "day" || double.Changes[0] != "label 2 desk=day" {
		t.Errorf("labelled: %q, %q", desk, double.Changes)
	}
	if _, known := Clients.Get(2).Subject(); known || Clients.Get(3) != nil {
		t.Error("a client is known who is not")
	}
}

func TestALogLineHasItsFields(t *testing.T) {
	double := NewDouble(t)
	Log.Info("dropped", "word", "stop")
	Log.Warn("odd", "one", "1", "left")
	if want := []string{"info: dropped word=stop", "warn: odd one=1 !BADKEY=left"}; !reflect.DeepEqual(double.Logs, want) {
		t.Errorf("logged %q", double.Logs)
	}
}

func TestWhatIsSignedIsVerified(t *testing.T) {
	double := NewDouble(t)
	double.Secrets["partner"] = "secret"
	for _, algorithm := range []Algorithm{HMACSHA1, HMACSHA256, HMACSHA512} {
		signature, err := Signing.Sign("partner", algorithm, []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		if right, _ := Signing.Verify("partner", algorithm, []byte("data"), signature); !right {
			t.Errorf("%v: it is not right", algorithm)
		}
		if right, _ := Signing.Verify("partner", algorithm, []byte("date"), signature); right {
			t.Errorf("%v: it is right for something else", algorithm)
		}
	}
	if _, err := Signing.Sign("nobody", HMACSHA256, nil); !errors.Is(err, ErrNoSuchSecret) {
		t.Errorf("signed with nobody's: %v", err)
	}
}

func TestTheZeroOfAnAnswerIsTheCautiousOne(t *testing.T) {
	if (Admission{}).Grant != nil || !reflect.DeepEqual(Verdict{}, Pass()) || !reflect.DeepEqual(HTTPVerdict{}, NotMine()) {
		t.Error("a zero does something")
	}
}

func TestWantsStopsAtTheFirstError(t *testing.T) {
	double := NewDouble(t)
	one, two := double.Connect(FakeClient{ID: 1}), double.Connect(FakeClient{ID: 2})
	choose := Wants(func(_ *Message, client *Client) (bool, error) { return client.ID() == 2, nil })
	if answers, err := choose(double.Message(""), []*Client{one, two}); !reflect.DeepEqual(answers, []bool{false, true}) || err != nil {
		t.Errorf("it wants %v, %v", answers, err)
	}
	wrong := errors.New("wrong")
	choose = Wants(func(*Message, *Client) (bool, error) { return true, wrong })
	if answers, err := choose(double.Message(""), []*Client{one}); answers != nil || err != wrong {
		t.Errorf("it wants %v, %v", answers, err)
	}
}
