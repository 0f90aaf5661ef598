// The reference filter: whatever a filter may be asked and may ask of postern,
// as the behaviour suite wants it. It is no example: see ../template.
package main

import (
	"errors"

	"postern"
)

func init() {
	postern.Setup(setup)
	postern.OnMessage(onMessage)
	postern.OnClientMessage(onClientMessage)
	postern.OnConnect(onConnect)
	postern.OnRequest(onRequest)
	postern.OnEvent(onEvent)
	postern.Choose(postern.Wants(sameRoom))
}

func setup() error {
	if words, fails := postern.Config.Get("fail"); fails {
		return errors.New(words)
	}
	if _, traps := postern.Config.Get("trap"); traps {
		panic("told to, by the configuration")
	}
	return nil
}

func onMessage(message *postern.Message) (postern.Verdict, error) {
	return judge(nil, message)
}

func onClientMessage(sender *postern.Client, message *postern.Message) (postern.Verdict, error) {
	return judge(sender, message)
}

func onEvent(client *postern.Client, event postern.Event) error {
	var detail string
	switch event.Kind {
	case postern.Closing:
		detail = "none"
		if event.Close != nil {
			detail = decimal(event.Close.Code) + " " + event.Close.Reason
		}
	case postern.Disconnected:
		detail = orNone(event.Reason, event.Reason != "")
	case postern.Pinged, postern.Ponged:
		detail = string(event.Data)
	}
	text := event.Kind.String() + ":" + detail
	if err := postern.KV.Set("event", []byte(text)); err != nil {
		return err
	}
	postern.Clients.AddLabel(client.ID(), postern.L("seen", event.Kind.String()))
	postern.Outbox.Send(postern.Everyone(), postern.Text(text))
	return nil
}

func sameRoom(message *postern.Message, client *postern.Client) (bool, error) {
	if words, fails := message.JSON("/fail"); fails {
		return false, errors.New(words)
	}
	wanted, known := message.JSON("/room")
	room, has := client.Label("room")
	return known && has && room == wanted, nil
}

func main() {}
