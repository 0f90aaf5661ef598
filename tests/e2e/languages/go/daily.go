// What people use every day, and what goes wrong every day.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"
	"time"

	"postern"
	"postern/whatsapp"
)

func init() {
	postern.OnMessage(onMessage)
	fmt.Println("printed while it starts")
}

func onMessage(message *postern.Message) (postern.Verdict, error) {
	what, _ := message.JSON("/what")
	switch what {
	case "print":
		fmt.Println("a line with é and 世界")
		fmt.Println("no text: \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80")
		fmt.Println(strings.Repeat("é", 3000))
		fmt.Print("two lines,\nthe last unfinished \xff")
		log.SetFlags(0)
		log.Print("a complaint")
		return postern.Pass(), nil
	case "time":
		begin := time.Now()
		time.Sleep(time.Hour)
		return postern.Drop(fmt.Sprint(begin.UTC().Format(time.DateTime), " ", time.Since(begin).Round(time.Minute))), nil
	case "random":
		return postern.Drop(fmt.Sprint(rand.IntN(10) < 10)), nil
	case "json":
		var body struct{ List []int }
		err := json.Unmarshal(message.Data(), &body)
		return postern.Drop(fmt.Sprint(body.List)), err
	case "error":
		return postern.Verdict{}, errors.New("it is wrong")
	case "bytes":
		postern.Log.Info("odd \xff", "key", "\xc0")
		return postern.Verdict{}, errors.New("odd \xff")
	case "key":
		_, err := postern.KV.Get("odd \xff")
		return postern.Pass(), err
	case "panic":
		panic(errors.New("it is very wrong"))
	case "index":
		var none []int
		return postern.Drop(fmt.Sprint(none[len(what)])), nil
	case "goroutine":
		go func() { panic("elsewhere") }()
		time.Sleep(time.Second)
		return postern.Pass(), nil
	case "deadlock":
		select {}
	default:
		delivery, err := whatsapp.Parse(message.Data())
		if err != nil {
			return postern.Verdict{}, err
		}
		for said := range delivery.Messages() {
			return postern.Drop(said.Sender() + " says " + said.Words()), nil
		}
		return postern.Pass(), nil
	}
}

func main() {}
