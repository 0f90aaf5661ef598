// Package slogs lets log/slog write to postern's log:
//
//	func init() {
//		slog.SetDefault(slog.New(slogs.Handler()))
//	}
//
//	slog.Info("dropped", "word", word, "length", len(text))
package slogs

import (
	"context"
	"log/slog"
	"slices"

	"postern"
)

// Handler writes records to postern's log, attributes as fields. Of a group's
// attributes the keys begin with the group's name and a dot.
func Handler() slog.Handler { return handler{} }

type handler struct {
	prefix string
	fields []string
}

func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	return postern.Log.Enabled(levelOf(level))
}

func (h handler) Handle(_ context.Context, record slog.Record) error {
	fields := slices.Clone(h.fields)
	record.Attrs(func(attr slog.Attr) bool {
		fields = with(fields, h.prefix, attr)
		return true
	})
	postern.Log.Write(levelOf(record.Level), record.Message, fields...)
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := slices.Clone(h.fields)
	for _, attr := range attrs {
		fields = with(fields, h.prefix, attr)
	}
	return handler{h.prefix, fields}
}

func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return handler{h.prefix + name + ".", h.fields}
}

func with(fields []string, prefix string, attr slog.Attr) []string {
	value := attr.Value.Resolve()
	switch {
	case value.Kind() == slog.KindGroup:
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, part := range value.Group() {
			fields = with(fields, prefix, part)
		}
		return fields
	case attr.Equal(slog.Attr{}):
		return fields
	}
	return append(fields, prefix+attr.Key, value.String())
}

func levelOf(level slog.Level) postern.LogLevel {
	switch {
	case level < slog.LevelDebug:
		return postern.LevelTrace
	case level < slog.LevelInfo:
		return postern.LevelDebug
	case level < slog.LevelWarn:
		return postern.LevelInfo
	case level < slog.LevelError:
		return postern.LevelWarn
	}
	return postern.LevelError
}
