package main

import (
	"errors"
	"strconv"
	"strings"

	"postern"
)

// How values are written in steps and reports.

const none = "none"

func decimal[N ~int | ~uint16 | ~uint64 | ~int64](n N) string {
	if n < 0 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatUint(uint64(n), 10)
}

func boolean(is bool, err error) (string, error) {
	if err != nil {
		return fault(err)
	}
	return strconv.FormatBool(is), nil
}

func orNone(text string, some bool) string {
	if !some {
		return none
	}
	return text
}

// fault is the name of what kv or signing says is wrong: the error's first word.
func fault(err error) (string, error) {
	for _, known := range []error{
		postern.ErrTooLarge, postern.ErrFull, postern.ErrNotANumber, postern.ErrUnavailable, postern.ErrNoSuchSecret,
	} {
		if errors.Is(err, known) {
			name, _, _ := strings.Cut(err.Error(), ":")
			return name, nil
		}
	}
	return "", err
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func idsOf(text string) ([]postern.ClientID, error) {
	var ids []postern.ClientID
	for _, part := range split(text) {
		id, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil, err
		}
		ids = append(ids, postern.ClientID(id))
	}
	return ids, nil
}

func labelsOf(text string) []postern.Label {
	var labels []postern.Label
	for _, part := range split(text) {
		key, value, _ := strings.Cut(part, "=")
		labels = append(labels, postern.L(key, value))
	}
	return labels
}

func selectorOf(text string) (postern.Selector, error) {
	kind, what, _ := strings.Cut(text, ":")
	switch kind {
	case "everyone":
		return postern.Everyone(), nil
	case "clients":
		ids, err := idsOf(what)
		return postern.ByID(ids...), err
	case "any":
		return postern.AnyLabel(labelsOf(what)...), nil
	case "all":
		return postern.AllLabels(labelsOf(what)...), nil
	}
	return postern.Selector{}, errors.New("no selector: " + text)
}

func describe(client *postern.Client) string {
	if client == nil {
		return none
	}
	var labels []string
	for _, label := range client.Labels() {
		labels = append(labels, label.String())
	}
	return strings.Join([]string{
		orNone(client.Subject()),
		orNone(client.Label("room")),
		strings.Join(labels, ","),
		client.Address(),
		decimal(client.Since().UnixMilli()),
	}, "|")
}
