package main

import (
	"errors"
	"strings"

	"postern"
)

// judge does the steps that the message tells, one after the other, and then
// answers as it tells.
func judge(sender *postern.Client, message *postern.Message) (postern.Verdict, error) {
	var report []string
	for n := 0; ; n++ {
		at := "/do/" + decimal(n)
		name, told := message.JSON(at + "/op")
		if !told {
			break
		}
		line, err := do(step{name, at, message, sender})
		if err != nil {
			return postern.Verdict{}, err
		}
		report = append(report, line)
	}
	all := strings.Join(report, "\n")
	answer, told := message.JSON("/answer")
	if !told {
		answer = "report"
	}
	switch answer {
	case "report":
		return postern.Rewrite(postern.Text(all)), nil
	case "report-binary":
		return postern.Rewrite(postern.Binary([]byte(all))), nil
	case "pass":
		return postern.Pass(), nil
	case "drop":
		reason, _ := message.JSON("/reason")
		return postern.Drop(reason), nil
	case "rewrite":
		text, _ := message.JSON("/text")
		return postern.Rewrite(postern.Text(text)), nil
	case "send":
		return send(message)
	case "error":
		reason, _ := message.JSON("/reason")
		return postern.Verdict{}, errors.New(reason)
	}
	return postern.Verdict{}, errors.New("unknown answer: " + answer)
}

func send(message *postern.Message) (postern.Verdict, error) {
	var deliveries []postern.Delivery
	for n := 0; ; n++ {
		at := "/to/" + decimal(n)
		to, told := message.JSON(at + "/to")
		if !told {
			return postern.Send(deliveries...), nil
		}
		selector, err := selectorOf(to)
		if err != nil {
			return postern.Verdict{}, err
		}
		except, _ := message.JSON(at + "/except")
		ids, err := idsOf(except)
		if err != nil {
			return postern.Verdict{}, err
		}
		delivery := postern.To(selector).But(ids...)
		if text, replaced := message.JSON(at + "/text"); replaced {
			delivery = delivery.With(postern.Text(text))
		}
		deliveries = append(deliveries, delivery)
	}
}
