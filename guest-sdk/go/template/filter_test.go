package main

import (
	"testing"

	"postern"
)

// This is plain Go: `go test`. What is in cases/ asks the component itself,
// within postern: `postern filter test`.

const body = `{"entry":[{"changes":[{"value":{"messages":[{"text":{"body":"please stop"}}]}}]}]}`

func TestWhatSaysTheWordIsDropped(t *testing.T) {
	double := postern.NewDouble(t)
	double.Config["word"] = "stop"
	verdict, err := onMessage(double.Message(body))
	if err != nil || verdict.String() != `drop "it says stop"` {
		t.Errorf("the verdict is %v, %v", verdict, err)
	}
	if len(double.Logs) != 1 || double.Logs[0] != "info: dropped word=stop" {
		t.Errorf("the log is %q", double.Logs)
	}
}

func TestWhatDoesNotSayItPasses(t *testing.T) {
	double := postern.NewDouble(t)
	verdict, err := onMessage(double.Message(body))
	if err != nil || verdict.Kind != postern.VerdictPass {
		t.Errorf("the verdict is %v, %v", verdict, err)
	}
}
