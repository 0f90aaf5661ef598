// Makes thousands of calls in one instance while the collector is at work and
// another goroutine makes calls of its own, and says so if any of what comes
// back is not what went in.
package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"postern"
)

const rounds = 1000

var ticks int

func init() {
	postern.OnMessage(onMessage)
	debug.SetGCPercent(20)
	go tick()
}

// tick makes calls whenever it is let run: while the handler sleeps, and when
// the collector makes it wait.
func tick() {
	for {
		time.Sleep(time.Millisecond)
		ticks++
		postern.Config.Get("word")
		if err := postern.KV.Set("tick", fmt.Append(nil, ticks)); err != nil {
			panic(err)
		}
	}
}

func onMessage(message *postern.Message) (postern.Verdict, error) {
	kept := map[string][]byte{}
	for n := range rounds {
		key := fmt.Sprintf("key-%d", n%50)
		value := []byte(strings.Repeat(fmt.Sprint(n%10), n*331%60_000))
		if err := postern.KV.Set(key, value); err != nil {
			return postern.Verdict{}, err
		}
		got, err := postern.KV.Get(key)
		if err != nil || string(got) != string(value) {
			return postern.Verdict{}, fmt.Errorf("round %d: %d bytes became %d: %v", n, len(value), len(got), err)
		}
		kept[key] = got
		large, _ := message.JSON("/large")
		if whole := string(message.Data()); len(large) != 200_000 || !strings.Contains(whole, large) {
			return postern.Verdict{}, fmt.Errorf("round %d: the message is not what it was", n)
		}
		if word, _ := message.JSON("/word"); word != "wörd" {
			return postern.Verdict{}, fmt.Errorf("round %d: the word is %q", n, word)
		}
		keys, err := postern.KV.Keys("key-", "", 1000)
		if err != nil || len(keys) != min(n+1, 50) {
			return postern.Verdict{}, fmt.Errorf("round %d: %d keys: %v", n, len(keys), err)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, "key-") {
				return postern.Verdict{}, fmt.Errorf("round %d: a key is %q", n, key)
			}
		}
		if n%10 == 0 {
			time.Sleep(3 * time.Millisecond)
		}
	}
	for key, value := range kept {
		if len(strings.Trim(string(value), "0123456789")) > 0 {
			return postern.Verdict{}, fmt.Errorf("what was kept of %s has changed", key)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if memory.NumGC < 100 || ticks < 100 {
		return postern.Verdict{}, fmt.Errorf("nothing was tried: %d collections, %d ticks", memory.NumGC, ticks)
	}
	return postern.Rewrite(postern.Text("as it went in")), nil
}

func main() {}
