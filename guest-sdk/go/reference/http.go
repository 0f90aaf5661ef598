package main

import (
	"errors"
	"strconv"
	"strings"

	"postern"
)

func onConnect(request *postern.Request) (postern.Admission, error) {
	param := func(name string) string {
		value, _ := request.Param(name)
		return value
	}
	if words, fails := request.Param("error"); fails {
		return postern.Admission{}, errors.New(words)
	}
	if body, denied := request.Param("deny"); denied {
		status, err := strconv.Atoi(param("status"))
		if err != nil {
			status = 403
		}
		return postern.Deny(postern.Denial{Status: status, Body: body, Reason: param("reason")}), nil
	}
	subject, named := request.Param("subject")
	grant := postern.Grant{
		Subject:     subject,
		Nameless:    named && subject == "",
		Labels:      labelsOf(param("label")),
		Subprotocol: param("subprotocol"),
	}
	if text, some := request.Param("greeting"); some {
		greeting := postern.Text(text)
		grant.Greeting = &greeting
	}
	return postern.Allow(grant), nil
}

func onRequest(request *postern.Request) (postern.HTTPVerdict, error) {
	what, _ := request.Param("do")
	switch what {
	case "echo":
		body := strings.Join([]string{
			request.Method(),
			request.Path(),
			orNone(request.Query()),
			orNone(request.Header("x-test")),
			decimal(len(request.Headers())),
			request.Address(),
			string(request.Body()),
		}, "\n")
		return postern.Respond(postern.Response{
			Status:  200,
			Headers: []postern.Header{{Name: "content-type", Value: "text/plain"}},
			Body:    []byte(body),
		}), nil
	case "accept":
		taken := postern.Response{Status: 202, Body: []byte("taken")}
		return postern.Accept(postern.Text(string(request.Body())), taken), nil
	case "error":
		return postern.HTTPVerdict{}, errors.New("told to")
	}
	return postern.NotMine(), nil
}
