package whatsapp

import "testing"

func TestADeliveryIsReadWhateverItsNumbersAre(t *testing.T) {
	delivery, err := Parse([]byte(`{"object":"whatsapp_business_account","entry":[{"id":7,"changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"123"},
		"messages":[
			{"from":"491","id":"a","timestamp":1700000000,"type":"text","text":{"body":"hello"},"new":{"x":1}},
			{"from_user_id":"u","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":1,"title":"tea"}}},
			{"type":"image","image":{"caption":"a cat","voice":"odd"},"text":null}],
		"statuses":[{"id":"b","status":"read"}]}}]},{"changes":null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var words, senders []string
	for message := range delivery.Messages() {
		words, senders = append(words, message.Words()), append(senders, message.Sender())
	}
	if len(words) != 3 || words[0] != "hello" || words[1] != "tea" || words[2] != "a cat" {
		t.Errorf("words: %q", words)
	}
	if senders[0] != "491" || senders[1] != "u" || senders[2] != "" {
		t.Errorf("senders: %q", senders)
	}
	for status := range delivery.Statuses() {
		if status.Status != "read" || status.ID != "b" {
			t.Errorf("status: %+v", status)
		}
	}
	if id := delivery.Entry[0].ID; id != "7" {
		t.Errorf("an id that is a number is %q", id)
	}
	if at := delivery.Entry[0].Changes[0].Value.Messages[0].Timestamp; at != "1700000000" {
		t.Errorf("a time that is a number is %q", at)
	}
}

func TestWhatIsNoDeliveryIsAnError(t *testing.T) {
	for _, body := range []string{"", "{", "[]", "7", `"text"`} {
		if _, err := Parse([]byte(body)); err == nil {
			t.Errorf("%q is a delivery", body)
		}
	}
}

func TestAllThatLookingForOneTakesIsOne(t *testing.T) {
	delivery, err := Parse([]byte(`{"entry":[{"changes":[{"value":{"messages":[{"id":"a"},{"id":"b"}]}},{"value":{"messages":[{"id":"c"}]}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for range delivery.Messages() {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("saw %d", seen)
	}
}
