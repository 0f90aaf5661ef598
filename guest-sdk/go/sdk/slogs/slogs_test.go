//go:build !wasip1

package slogs

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"postern"
)

func TestARecordIsALineWithItsAttributesAsFields(t *testing.T) {
	double := postern.NewDouble(t)
	log := slog.New(Handler())
	log.Info("plain", "word", "stop", "n", 3, "err", errors.New("no"))
	log.With("desk", "night").WithGroup("call").Warn("grouped", slog.Group("who", "name", "ann"), slog.Attr{})
	log.Log(t.Context(), slog.LevelDebug-4, "trace")
	log.Error("bad")
	want := []string{
		"info: plain word=stop n=3 err=no",
		"warn: grouped desk=night call.who.name=ann",
		"trace: trace",
		"error: bad",
	}
	if !slices.Equal(double.Logs, want) {
		t.Errorf("logged %q", double.Logs)
	}
}
