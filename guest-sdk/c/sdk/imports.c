/*
 * What postern does for a filter. Each import is declared as the component model flattens it, and is part of the component
 * only if it is used.
 */
#include "memory.h"

#include <stdarg.h>
#include <string.h>

#define IMPORT(interface, name)                                                                                             \
    __attribute__((import_module("postern:filter/" interface "@0.1.0"), import_name(name))) extern

/* option<string>, option<list<u8>> */
typedef struct {
    uint8_t there;
    postern_string string;
} maybe;

static postern_string given(const maybe *maybe)
{
    return maybe->there ? maybe->string : POSTERN_NONE;
}

/* A C string's parts, as two arguments. */
#define PARTS(text) (text), strlen(text)

/* ------------------------------------------------------------------------------------------------------- message */

IMPORT("types", "[method]message.id") uint64_t message_id(int32_t self);
IMPORT("types", "[method]message.source") void message_source(int32_t self, postern_string *out);
IMPORT("types", "[method]message.received") uint64_t message_received(int32_t self);
IMPORT("types", "[method]message.format") int32_t message_format(int32_t self);
IMPORT("types", "[method]message.size") uint64_t message_size(int32_t self);
IMPORT("types", "[method]message.data") void message_data(int32_t self, postern_string *out);
IMPORT("types", "[method]message.read")
void message_read(int32_t self, uint64_t offset, uint64_t length, postern_string *out);
IMPORT("types", "[method]message.json") void message_json(int32_t self, const char *pointer, size_t length, maybe *out);
IMPORT("types", "[method]message.header") void message_header(int32_t self, const char *name, size_t length, maybe *out);

uint64_t postern_message_id(postern_message message)
{
    return message_id(message.handle);
}

postern_string postern_message_source(postern_message message)
{
    postern_string source;
    message_source(message.handle, &source);
    return source;
}

uint64_t postern_message_received(postern_message message)
{
    return message_received(message.handle);
}

postern_kind postern_message_format(postern_message message)
{
    return (postern_kind)message_format(message.handle);
}

uint64_t postern_message_size(postern_message message)
{
    return message_size(message.handle);
}

postern_string postern_message_data(postern_message message)
{
    postern_string data;
    message_data(message.handle, &data);
    return data;
}

postern_string postern_message_read(postern_message message, uint64_t offset, uint64_t length)
{
    postern_string data;
    message_read(message.handle, offset, length, &data);
    return data;
}

postern_string postern_message_json(postern_message message, const char *pointer)
{
    maybe value;
    message_json(message.handle, PARTS(pointer), &value);
    return given(&value);
}

postern_string postern_message_header(postern_message message, const char *name)
{
    maybe value;
    message_header(message.handle, PARTS(name), &value);
    return given(&value);
}

/* -------------------------------------------------------------------------------------------------------- client */

IMPORT("types", "[method]client.id") uint64_t client_id(int32_t self);
IMPORT("types", "[method]client.subject") void client_subject(int32_t self, maybe *out);
IMPORT("types", "[method]client.label") void client_label(int32_t self, const char *key, size_t length, maybe *out);
IMPORT("types", "[method]client.labels") void client_labels(int32_t self, postern_labels *out);
IMPORT("types", "[method]client.address") void client_address(int32_t self, postern_string *out);
IMPORT("types", "[method]client.since") uint64_t client_since(int32_t self);

postern_client_id postern_client_id_of(postern_client client)
{
    return client_id(client.handle);
}

postern_string postern_client_subject(postern_client client)
{
    maybe subject;
    client_subject(client.handle, &subject);
    return given(&subject);
}

postern_string postern_client_label(postern_client client, const char *key)
{
    maybe value;
    client_label(client.handle, PARTS(key), &value);
    return given(&value);
}

postern_labels postern_client_labels(postern_client client)
{
    postern_labels labels;
    client_labels(client.handle, &labels);
    return labels;
}

postern_string postern_client_address(postern_client client)
{
    postern_string address;
    client_address(client.handle, &address);
    return address;
}

uint64_t postern_client_since(postern_client client)
{
    return client_since(client.handle);
}

/* ------------------------------------------------------------------------------------------------------- request */

IMPORT("types", "[method]request.method") void request_method(int32_t self, postern_string *out);
IMPORT("types", "[method]request.path") void request_path(int32_t self, postern_string *out);
IMPORT("types", "[method]request.query") void request_query(int32_t self, maybe *out);
IMPORT("types", "[method]request.param") void request_param(int32_t self, const char *name, size_t length, maybe *out);
IMPORT("types", "[method]request.header") void request_header(int32_t self, const char *name, size_t length, maybe *out);
IMPORT("types", "[method]request.headers") void request_headers(int32_t self, postern_headers *out);
IMPORT("types", "[method]request.address") void request_address(int32_t self, postern_string *out);
IMPORT("types", "[method]request.body") void request_body(int32_t self, postern_string *out);

postern_string postern_request_method(postern_request request)
{
    postern_string method;
    request_method(request.handle, &method);
    return method;
}

postern_string postern_request_path(postern_request request)
{
    postern_string path;
    request_path(request.handle, &path);
    return path;
}

postern_string postern_request_query(postern_request request)
{
    maybe query;
    request_query(request.handle, &query);
    return given(&query);
}

postern_string postern_request_param(postern_request request, const char *name)
{
    maybe value;
    request_param(request.handle, PARTS(name), &value);
    return given(&value);
}

postern_string postern_request_header(postern_request request, const char *name)
{
    maybe value;
    request_header(request.handle, PARTS(name), &value);
    return given(&value);
}

postern_headers postern_request_headers(postern_request request)
{
    postern_headers headers;
    request_headers(request.handle, &headers);
    return headers;
}

postern_string postern_request_address(postern_request request)
{
    postern_string address;
    request_address(request.handle, &address);
    return address;
}

postern_string postern_request_body(postern_request request)
{
    postern_string body;
    request_body(request.handle, &body);
    return body;
}

/* ------------------------------------------------------------------------------------- config, log, metrics, clock */

IMPORT("config", "get") void config_get(const char *key, size_t length, maybe *out);
IMPORT("config", "json") void config_json(postern_string *out);
IMPORT("log", "enabled") int32_t log_enabled(int32_t level);
IMPORT("log", "write")
void log_write(int32_t level, const char *text, size_t length, const postern_field *fields, size_t count);
IMPORT("metrics", "count") void metrics_count(const char *name, size_t length, uint64_t by);
IMPORT("metrics", "gauge") void metrics_gauge(const char *name, size_t length, double value);
IMPORT("metrics", "observe") void metrics_observe(const char *name, size_t length, double value);
IMPORT("clock", "now") uint64_t clock_now(void);
IMPORT("clock", "monotonic") uint64_t clock_monotonic(void);

postern_string postern_config(const char *key)
{
    maybe value;
    config_get(PARTS(key), &value);
    return given(&value);
}

postern_string postern_config_json(void)
{
    postern_string json;
    config_json(&json);
    return json;
}

bool postern_log_enabled(postern_level level)
{
    return log_enabled((int32_t)level) != 0;
}

void postern_log_fields(postern_level level, postern_string text, const postern_field *fields, size_t count)
{
    log_write((int32_t)level, text.data, text.length, fields, count);
}

void postern_log(postern_level level, const char *text, ...)
{
    enum { MOST = 32 };
    postern_field fields[MOST];
    size_t count = 0;
    va_list pairs;
    va_start(pairs, text);
    for (const char *key; count < MOST && (key = va_arg(pairs, const char *)) != NULL; count++) {
        const char *value = va_arg(pairs, const char *);
        fields[count] = (postern_field){postern_text(key), postern_text(value == NULL ? "" : value)};
        if (value == NULL) {
            /* Either there is no such value, or the pairs end in the middle of one: no further. */
            count++;
            break;
        }
    }
    va_end(pairs);
    postern_log_fields(level, postern_text(text), fields, count);
}

void postern_count(const char *name, uint64_t by)
{
    metrics_count(PARTS(name), by);
}

void postern_gauge(const char *name, double value)
{
    metrics_gauge(PARTS(name), value);
}

void postern_observe(const char *name, double value)
{
    metrics_observe(PARTS(name), value);
}

uint64_t postern_now(void)
{
    return clock_now();
}

uint64_t postern_monotonic(void)
{
    return clock_monotonic();
}

/* -------------------------------------------------------------------------------------------------- outbox, clients */

IMPORT("outbox", "send")
void outbox_send(int32_t kind, const void *items, size_t count, const postern_client_id *except, size_t except_count,
                 int32_t format, const char *data, size_t length);
IMPORT("clients", "count") uint64_t clients_count(int32_t kind, const void *items, size_t count);
IMPORT("clients", "find")
void clients_find(int32_t kind, const void *items, size_t count, uint32_t limit, postern_client_ids *out);
IMPORT("clients", "get") void clients_get(uint64_t id, int32_t out[2]);
IMPORT("clients", "add-label")
void clients_add_label(uint64_t id, const char *key, size_t key_length, const char *value, size_t value_length);
IMPORT("clients", "remove-label")
void clients_remove_label(uint64_t id, const char *key, size_t key_length, const char *value, size_t value_length);
IMPORT("clients", "disconnect") void clients_disconnect(uint64_t id, int32_t code, const char *reason, size_t length);
IMPORT("clients", "pong") void clients_pong(uint64_t id, const char *data, size_t length);

#define SELECTOR(selector) (selector).kind, (selector).list.items, (selector).list.count

void postern_outbox_send(postern_selector to, postern_string text)
{
    postern_outbox_send_except(to, NULL, 0, POSTERN_TEXT, text);
}

void postern_outbox_send_except(postern_selector to, const postern_client_id *except, size_t count, postern_kind format,
                                postern_string data)
{
    outbox_send(SELECTOR(to), except, count, (int32_t)format, data.data, data.length);
}

uint64_t postern_clients_count(postern_selector among)
{
    return clients_count(SELECTOR(among));
}

postern_client_ids postern_clients_find(postern_selector among, uint32_t limit)
{
    postern_client_ids ids;
    clients_find(SELECTOR(among), limit, &ids);
    return ids;
}

bool postern_clients_get(postern_client_id id, postern_client *client)
{
    int32_t found[2];
    clients_get(id, found);
    if ((found[0] & 1) == 0)
        return false;
    postern_owns_client(found[1]);
    client->handle = found[1];
    return true;
}

void postern_clients_add_label(postern_client_id id, const char *key, const char *value)
{
    clients_add_label(id, PARTS(key), PARTS(value));
}

void postern_clients_remove_label(postern_client_id id, const char *key, const char *value)
{
    clients_remove_label(id, PARTS(key), PARTS(value));
}

void postern_clients_disconnect(postern_client_id id, uint16_t code, const char *reason)
{
    clients_disconnect(id, code, PARTS(reason));
}

void postern_clients_pong(postern_client_id id, postern_string data)
{
    clients_pong(id, data.data, data.length);
}

/* ------------------------------------------------------------------------------------------------------------ kv */

/* result<_, fault> and result<bool, fault>: what is said second is the fault, or the answer. */
typedef struct {
    uint8_t failed;
    uint8_t what;
} outcome;

/* result<option<list<u8>>, fault> */
typedef struct {
    uint8_t failed;
    union {
        uint8_t fault;
        maybe value;
    } is;
} found;

/* result<s64, fault> */
typedef struct {
    uint8_t failed;
    union {
        uint8_t fault;
        int64_t number;
    } is;
} sum;

/* result<list<string>, fault>, and of signing result<list<u8>, fault> */
typedef struct {
    uint8_t failed;
    union {
        uint8_t fault;
        postern_strings strings;
        postern_string bytes;
    } is;
} listed;

IMPORT("kv", "get") void kv_get(const char *key, size_t length, found *out);
IMPORT("kv", "set")
void kv_set(const char *key, size_t length, const char *value, size_t value_length, int32_t expires, uint64_t ttl,
            outcome *out);
IMPORT("kv", "add")
void kv_add(const char *key, size_t length, const char *value, size_t value_length, int32_t expires, uint64_t ttl,
            outcome *out);
IMPORT("kv", "increment")
void kv_increment(const char *key, size_t length, int64_t by, int32_t expires, uint64_t ttl, sum *out);
IMPORT("kv", "swap")
void kv_swap(const char *key, size_t length, int32_t is_old, const char *old_data, size_t old_length, int32_t is_new,
             const char *new_data, size_t new_length, outcome *out);
IMPORT("kv", "delete") void kv_delete(const char *key, size_t length, outcome *out);
IMPORT("kv", "keys")
void kv_keys(const char *prefix, size_t length, int32_t is_after, const char *after, size_t after_length, uint32_t limit,
             listed *out);

#define EXPIRES(ttl) (ttl) != POSTERN_FOREVER, (ttl)
#define MAYBE(string) (string).data != NULL, (string).data, (string).length

/* The component model counts faults from nought, and here nought is none. */
static postern_kv_fault fault(uint8_t which)
{
    return (postern_kv_fault)(which + 1);
}

const char *postern_kv_fault_name(postern_kv_fault which)
{
    static const char *const names[] = {"ok", "too-large", "full", "not-a-number", "unavailable"};
    return (size_t)which < sizeof names / sizeof *names ? names[which] : "unknown";
}

postern_kv_fault postern_kv_get(const char *key, postern_string *value)
{
    found out;
    kv_get(PARTS(key), &out);
    *value = out.failed ? POSTERN_NONE : given(&out.is.value);
    return out.failed ? fault(out.is.fault) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_set(const char *key, postern_string value, uint64_t ttl)
{
    outcome out;
    kv_set(PARTS(key), value.data, value.length, EXPIRES(ttl), &out);
    return out.failed ? fault(out.what) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_add(const char *key, postern_string value, uint64_t ttl, bool *added)
{
    outcome out;
    kv_add(PARTS(key), value.data, value.length, EXPIRES(ttl), &out);
    *added = !out.failed && out.what;
    return out.failed ? fault(out.what) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_increment(const char *key, int64_t by, uint64_t ttl, int64_t *became)
{
    sum out;
    kv_increment(PARTS(key), by, EXPIRES(ttl), &out);
    *became = out.failed ? 0 : out.is.number;
    return out.failed ? fault(out.is.fault) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_swap(const char *key, postern_string old_value, postern_string new_value, bool *swapped)
{
    outcome out;
    kv_swap(PARTS(key), MAYBE(old_value), MAYBE(new_value), &out);
    *swapped = !out.failed && out.what;
    return out.failed ? fault(out.what) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_delete(const char *key)
{
    outcome out;
    kv_delete(PARTS(key), &out);
    return out.failed ? fault(out.what) : POSTERN_KV_OK;
}

postern_kv_fault postern_kv_keys(const char *prefix, const char *after, uint32_t limit, postern_strings *keys)
{
    listed out;
    postern_string from = postern_text(after);
    kv_keys(PARTS(prefix), MAYBE(from), limit, &out);
    *keys = out.failed ? (postern_strings){NULL, 0} : out.is.strings;
    return out.failed ? fault(out.is.fault) : POSTERN_KV_OK;
}

/* ------------------------------------------------------------------------------------------------------- signing */

IMPORT("signing", "sign")
void signing_sign(const char *secret, size_t length, int32_t algorithm, const char *data, size_t data_length, listed *out);
IMPORT("signing", "verify")
void signing_verify(const char *secret, size_t length, int32_t algorithm, const char *data, size_t data_length,
                    const char *signature, size_t signature_length, outcome *out);

bool postern_sign(const char *secret, postern_algorithm algorithm, postern_string data, postern_string *signature)
{
    listed out;
    signing_sign(PARTS(secret), (int32_t)algorithm, data.data, data.length, &out);
    *signature = out.failed ? POSTERN_NONE : out.is.bytes;
    return !out.failed;
}

bool postern_verify(const char *secret, postern_algorithm algorithm, postern_string data, postern_string signature, bool *right)
{
    outcome out;
    signing_verify(PARTS(secret), (int32_t)algorithm, data.data, data.length, signature.data, signature.length, &out);
    *right = !out.failed && out.what;
    return !out.failed;
}
