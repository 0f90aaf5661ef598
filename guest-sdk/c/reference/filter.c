/*
 * Does whatever it is told to, through every function of the SDK: tests/behaviour asks the same of a filter in each
 * language.
 */
#include "reference.h"

postern_error configure(void)
{
    if (postern_config("trap").data != NULL)
        __builtin_trap();
    return postern_config("fail").data;
}

static postern_verdict answer(postern_message message, const postern_client *sender)
{
    postern_string report = steps(message, sender);
    postern_string answer = postern_or(postern_message_json(message, "/answer"), "report");
    if (postern_equals(answer, "report"))
        return postern_rewrite(report);
    if (postern_equals(answer, "report-binary"))
        return postern_rewrite_binary(report);
    if (postern_equals(answer, "pass"))
        return postern_pass();
    if (postern_equals(answer, "drop"))
        return postern_drop(postern_message_json(message, "/reason").data);
    if (postern_equals(answer, "rewrite"))
        return postern_rewrite(postern_or(postern_message_json(message, "/text"), ""));
    if (postern_equals(answer, "error"))
        return postern_fail(postern_message_json(message, "/reason").data);
    if (!postern_equals(answer, "send"))
        return postern_fail(postern_format("unknown answer: %s", answer.data).data);

    enum { MOST = 256 };
    postern_delivery *deliveries = postern_allocate(MOST * sizeof *deliveries);
    unsigned count = 0;
    for (; count < MOST; count++) {
        postern_string to = postern_message_json(message, postern_format("/to/%u/to", count).data);
        if (to.data == NULL)
            break;
        postern_string text = postern_message_json(message, postern_format("/to/%u/text", count).data);
        postern_selector selector = selector_of(to);
        deliveries[count] = text.data == NULL ? postern_deliver(selector) : postern_deliver_text(selector, text);
        deliveries[count].except = ids_of(postern_message_json(message, postern_format("/to/%u/except", count).data));
    }
    return postern_send(deliveries, count);
}

postern_verdict on_message(postern_message message)
{
    return answer(message, NULL);
}

postern_verdict on_client_message(postern_client sender, postern_message message)
{
    return answer(message, &sender);
}

postern_admission on_connect(postern_request request)
{
    postern_string error = postern_request_param(request, "error");
    if (error.data != NULL)
        return postern_fail_admission(error.data);
    postern_string deny = postern_request_param(request, "deny");
    if (deny.data != NULL) {
        postern_string status = postern_or(postern_request_param(request, "status"), "403");
        return postern_deny((uint16_t)number_of(status), deny.data, postern_request_param(request, "reason").data);
    }
    return postern_allow_as((postern_grant){
        .subject = postern_request_param(request, "subject"),
        .labels = labels_of(postern_request_param(request, "label")),
        .subprotocol = postern_request_param(request, "subprotocol"),
        .greeting = postern_request_param(request, "greeting"),
    });
}

postern_error on_event(postern_client client, const postern_event *event)
{
    static const char *const kinds[] = {"connect", "close", "disconnect", "ping", "pong"};
    postern_string detail = event->data;
    if (event->kind == POSTERN_CONNECT)
        detail = postern_text("");
    if (event->kind == POSTERN_CLOSE && event->code != 0)
        detail = postern_format("%u %s", (unsigned)event->code, event->reason.data);
    if (event->kind == POSTERN_DISCONNECT)
        detail = event->reason;
    postern_string text = POSTERN_NONE;
    join(&text, "", postern_text(kinds[event->kind]));
    join(&text, ":", shown(detail));
    postern_kv_fault fault = postern_kv_set("event", text, POSTERN_FOREVER);
    if (fault)
        return postern_kv_fault_name(fault);
    postern_clients_add_label(postern_client_id_of(client), "seen", kinds[event->kind]);
    postern_outbox_send(postern_everyone(), text);
    return NULL;
}

postern_error choose(postern_message message, const postern_client *clients, size_t count, bool *chosen)
{
    postern_string fail = postern_message_json(message, "/fail");
    if (fail.data != NULL)
        return fail.data;
    postern_string room = postern_message_json(message, "/room");
    for (size_t at = 0; at < count; at++)
        chosen[at] = room.data != NULL && postern_equals(postern_client_label(clients[at], "room"), room.data);
    return NULL;
}

postern_answer on_request(postern_request request)
{
    postern_string what = postern_request_param(request, "do");
    if (postern_equals(what, "accept"))
        return postern_accept(postern_request_body(request), postern_response_of(202, NULL, postern_text("taken")));
    if (postern_equals(what, "error"))
        return postern_fail_request("told to");
    if (!postern_equals(what, "echo"))
        return postern_not_mine();
    postern_string lines = POSTERN_NONE;
    join(&lines, "\n", postern_request_method(request));
    join(&lines, "\n", postern_request_path(request));
    join(&lines, "\n", shown(postern_request_query(request)));
    join(&lines, "\n", shown(postern_request_header(request, "x-test")));
    join(&lines, "\n", shown_number(postern_request_headers(request).count));
    join(&lines, "\n", postern_request_address(request));
    join(&lines, "\n", postern_request_body(request));
    return postern_respond(postern_response_of(200, "text/plain", lines));
}
