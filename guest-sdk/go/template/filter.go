// Drops messages that say a word.
package main

import (
	"strings"

	"postern"
)

const text = "/entry/0/changes/0/value/messages/0/text/body"

func init() {
	postern.OnMessage(onMessage)
}

func onMessage(message *postern.Message) (postern.Verdict, error) {
	word, configured := postern.Config.Get("word")
	if !configured {
		word = "unsubscribe"
	}
	said, _ := message.JSON(text)
	if !strings.Contains(said, word) {
		return postern.Pass(), nil
	}
	postern.Log.Info("dropped", "word", word)
	return postern.Drop("it says " + word), nil
}

func main() {}
