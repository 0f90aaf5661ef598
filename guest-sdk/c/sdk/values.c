/* Strings, and the values that handlers return. */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * postern reads these from memory as the component model lays them out, which is how C does: an enumeration's tag in a byte,
 * then what belongs to it, aligned.
 */
_Static_assert(sizeof(postern_string) == 8, "list");
_Static_assert(sizeof(postern_selector) == 12, "variant selector");
_Static_assert(sizeof(postern_payload) == 12, "record payload");
_Static_assert(sizeof(postern_delivery) == 36, "record delivery");
_Static_assert(sizeof(postern_verdict) == 20, "result<verdict, string>");
_Static_assert(sizeof(postern_admission) == 56, "result<admission, string>");
_Static_assert(sizeof(postern_response) == 20, "record response");
_Static_assert(sizeof(postern_answer) == 40, "result<http-verdict, string>");

postern_string postern_text(const char *text)
{
    return (postern_string){text, text == NULL ? 0 : strlen(text)};
}

postern_string postern_bytes(const void *data, size_t length)
{
    return (postern_string){data, length};
}

postern_string postern_format(const char *format, ...)
{
    va_list measured, printed;
    va_start(measured, format);
    va_copy(printed, measured);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (length < 0)
        length = 0;
    char *text = postern_allocate((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, printed);
    va_end(printed);
    return (postern_string){text, (size_t)length};
}

postern_string postern_or(postern_string string, const char *otherwise)
{
    return string.data == NULL ? postern_text(otherwise) : string;
}

bool postern_equals(postern_string string, const char *text)
{
    size_t length = strlen(text);
    return string.data != NULL && string.length == length && memcmp(string.data, text, length) == 0;
}

bool postern_begins_with(postern_string string, const char *text)
{
    size_t length = strlen(text);
    return string.data != NULL && string.length >= length && memcmp(string.data, text, length) == 0;
}

bool postern_contains(postern_string string, const char *text)
{
    return postern_contains_string(string, postern_text(text));
}

bool postern_contains_string(postern_string string, postern_string part)
{
    if (string.data == NULL || part.data == NULL || part.length > string.length)
        return false;
    if (part.length == 0)
        return true;
    const char *at = string.data;
    size_t places = string.length - part.length + 1;
    while ((at = memchr(at, part.data[0], places - (size_t)(at - string.data))) != NULL) {
        if (memcmp(at, part.data, part.length) == 0)
            return true;
        if (++at == string.data + places)
            return false;
    }
    return false;
}

postern_label postern_label_of(const char *key, const char *value)
{
    return (postern_label){postern_text(key), postern_text(value)};
}

postern_selector postern_everyone(void)
{
    return (postern_selector){0};
}

postern_selector postern_clients_with(const postern_client_id *ids, size_t count)
{
    return (postern_selector){1, {ids, count}};
}

postern_selector postern_any_label(const postern_label *labels, size_t count)
{
    return (postern_selector){2, {labels, count}};
}

postern_selector postern_all_labels(const postern_label *labels, size_t count)
{
    return (postern_selector){3, {labels, count}};
}

postern_selector postern_labelled(const char *key, const char *value)
{
    postern_label *label = postern_allocate(sizeof *label);
    *label = postern_label_of(key, value);
    return postern_any_label(label, 1);
}

static postern_payload payload(postern_kind kind, postern_string data)
{
    return (postern_payload){(uint8_t)kind, data};
}

postern_delivery postern_deliver(postern_selector to)
{
    return (postern_delivery){.to = to};
}

postern_delivery postern_deliver_text(postern_selector to, postern_string text)
{
    return (postern_delivery){.to = to, .what = {1, payload(POSTERN_TEXT, text)}};
}

postern_delivery postern_deliver_binary(postern_selector to, postern_string data)
{
    return (postern_delivery){.to = to, .what = {1, payload(POSTERN_BINARY, data)}};
}

enum { PASS, DROP, REWRITE, SEND };

postern_verdict postern_pass(void)
{
    return (postern_verdict){0};
}

/* What is given as a C string may stand in the handler's own frame; what is returned must not. */
static postern_string told(const char *words)
{
    return postern_copy(postern_text(words));
}

postern_verdict postern_drop(const char *reason)
{
    postern_verdict verdict = {0};
    verdict.is.verdict.kind = DROP;
    verdict.is.verdict.as.drop.there = reason != NULL;
    verdict.is.verdict.as.drop.reason = told(reason);
    return verdict;
}

static postern_verdict rewrite(postern_kind kind, postern_string data)
{
    postern_verdict verdict = {0};
    verdict.is.verdict.kind = REWRITE;
    verdict.is.verdict.as.rewrite = payload(kind, data);
    return verdict;
}

postern_verdict postern_rewrite(postern_string text)
{
    return rewrite(POSTERN_TEXT, text);
}

postern_verdict postern_rewrite_binary(postern_string data)
{
    return rewrite(POSTERN_BINARY, data);
}

postern_verdict postern_send(const postern_delivery *deliveries, size_t count)
{
    postern_delivery *copies = postern_allocate(count * sizeof *copies);
    if (count != 0)
        memcpy(copies, deliveries, count * sizeof *copies);
    postern_verdict verdict = {0};
    verdict.is.verdict.kind = SEND;
    verdict.is.verdict.as.send.items = copies;
    verdict.is.verdict.as.send.count = count;
    return verdict;
}

postern_verdict postern_send_to(postern_selector to)
{
    postern_delivery delivery = postern_deliver(to);
    return postern_send(&delivery, 1);
}

postern_verdict postern_fail(const char *words)
{
    return (postern_verdict){.failed = 1, .is.words = told(words == NULL ? "" : words)};
}

postern_admission postern_allow(void)
{
    return (postern_admission){0};
}

postern_admission postern_allow_as(postern_grant grant)
{
    postern_admission admission = {0};
    admission.is.admission.as.allow.subject.there = grant.subject.data != NULL;
    admission.is.admission.as.allow.subject.text = grant.subject;
    postern_label *labels = postern_allocate(grant.labels.count * sizeof *labels);
    if (grant.labels.count != 0)
        memcpy(labels, grant.labels.items, grant.labels.count * sizeof *labels);
    admission.is.admission.as.allow.labels = (postern_labels){labels, grant.labels.count};
    admission.is.admission.as.allow.subprotocol.there = grant.subprotocol.data != NULL;
    admission.is.admission.as.allow.subprotocol.text = grant.subprotocol;
    admission.is.admission.as.allow.greeting.there = grant.greeting.data != NULL;
    admission.is.admission.as.allow.greeting.payload = payload(POSTERN_TEXT, grant.greeting);
    return admission;
}

postern_admission postern_deny(uint16_t status, const char *body, const char *reason)
{
    postern_admission admission = {0};
    admission.is.admission.kind = 1;
    admission.is.admission.as.deny.status = status;
    admission.is.admission.as.deny.body = told(body == NULL ? "" : body);
    admission.is.admission.as.deny.reason.there = reason != NULL;
    admission.is.admission.as.deny.reason.text = told(reason);
    return admission;
}

postern_admission postern_fail_admission(const char *words)
{
    return (postern_admission){.failed = 1, .is.words = told(words == NULL ? "" : words)};
}

postern_response postern_response_of(uint16_t status, const char *content_type, postern_string body)
{
    postern_response response = {.status = status, .body = body};
    if (content_type != NULL)
        postern_response_add_header(&response, "content-type", content_type);
    return response;
}

void postern_response_add_header(postern_response *response, const char *name, const char *value)
{
    size_t count = response->headers.count;
    postern_header *headers = postern_allocate((count + 1) * sizeof *headers);
    if (count != 0)
        memcpy(headers, response->headers.items, count * sizeof *headers);
    headers[count] = (postern_header){told(name), told(value)};
    response->headers = (postern_headers){headers, count + 1};
}

postern_answer postern_not_mine(void)
{
    return (postern_answer){0};
}

postern_answer postern_respond(postern_response response)
{
    postern_answer answer = {0};
    answer.is.answer.kind = 1;
    answer.is.answer.as.respond = response;
    return answer;
}

static postern_answer accept(postern_kind kind, postern_string data, postern_response response)
{
    postern_answer answer = {0};
    answer.is.answer.kind = 2;
    answer.is.answer.as.accept.payload = payload(kind, data);
    answer.is.answer.as.accept.response = response;
    return answer;
}

postern_answer postern_accept(postern_string text, postern_response response)
{
    return accept(POSTERN_TEXT, text, response);
}

postern_answer postern_accept_binary(postern_string data, postern_response response)
{
    return accept(POSTERN_BINARY, data, response);
}

postern_answer postern_fail_request(const char *words)
{
    return (postern_answer){.failed = 1, .is.words = told(words == NULL ? "" : words)};
}
