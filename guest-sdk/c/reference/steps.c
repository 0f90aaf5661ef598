/* The steps of a message: each does one thing that postern offers, and says in a line what came of it. */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step's arguments. */
typedef struct {
    postern_string a, b, c, d;
} arguments;

static postern_string client_line(postern_client client)
{
    postern_labels labels = postern_client_labels(client);
    postern_string listed = POSTERN_NONE;
    for (size_t at = 0; at < labels.count; at++) {
        postern_string pair = POSTERN_NONE;
        join(&pair, "", labels.items[at].key);
        join(&pair, "=", labels.items[at].value);
        join(&listed, ",", pair);
    }
    postern_string line = POSTERN_NONE;
    join(&line, "", shown(postern_client_subject(client)));
    join(&line, "|", shown(postern_client_label(client, "room")));
    join(&line, "|", postern_or(listed, ""));
    join(&line, "|", postern_client_address(client));
    join(&line, "|", shown_number(postern_client_since(client)));
    return line;
}

static postern_level level_of(postern_string name)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    for (int level = 0; level < 5; level++)
        if (postern_equals(name, names[level]))
            return (postern_level)level;
    return POSTERN_INFO;
}

static postern_algorithm algorithm_of(postern_string name)
{
    if (postern_equals(name, "hmac-sha1"))
        return POSTERN_HMAC_SHA1;
    return postern_equals(name, "hmac-sha512") ? POSTERN_HMAC_SHA512 : POSTERN_HMAC_SHA256;
}

static postern_string hex(postern_string bytes)
{
    char *text = postern_allocate(bytes.length * 2 + 1);
    for (size_t at = 0; at < bytes.length; at++)
        snprintf(text + at * 2, 3, "%02x", (unsigned char)bytes.data[at]);
    return postern_bytes(text, bytes.length * 2);
}

static postern_string from_hex(postern_string text)
{
    size_t length = text.length / 2;
    char *bytes = postern_allocate(length + 1);
    for (size_t at = 0; at < length; at++) {
        char pair[3] = {text.data[at * 2], text.data[at * 2 + 1], 0};
        bytes[at] = (char)strtoul(pair, NULL, 16);
    }
    return postern_bytes(bytes, length);
}

static uint64_t ttl_of(postern_string text)
{
    return text.data == NULL ? POSTERN_FOREVER : number_of(text);
}

/* What a kv operation said: its fault, or else `answer`. */
static postern_string or_fault(postern_kv_fault fault, postern_string answer)
{
    return fault ? postern_text(postern_kv_fault_name(fault)) : answer;
}

static postern_string kv_step(const char *op, const arguments *with)
{
    const char *key = postern_or(with->a, "").data;
    bool yes = false;
    if (strcmp(op, "get") == 0) {
        postern_string value;
        postern_kv_fault fault = postern_kv_get(key, &value);
        return or_fault(fault, shown(value));
    }
    if (strcmp(op, "set") == 0)
        return or_fault(postern_kv_set(key, postern_or(with->b, ""), ttl_of(with->c)), postern_text("ok"));
    if (strcmp(op, "add") == 0) {
        postern_kv_fault fault = postern_kv_add(key, postern_or(with->b, ""), ttl_of(with->c), &yes);
        return or_fault(fault, shown_bool(yes));
    }
    if (strcmp(op, "increment") == 0) {
        int64_t became;
        postern_kv_fault fault = postern_kv_increment(key, strtoll(postern_or(with->b, "0").data, NULL, 10), ttl_of(with->c), &became);
        return or_fault(fault, postern_format("%lld", (long long)became));
    }
    if (strcmp(op, "swap") == 0) {
        postern_kv_fault fault = postern_kv_swap(key, with->b, with->c, &yes);
        return or_fault(fault, shown_bool(yes));
    }
    if (strcmp(op, "delete") == 0)
        return or_fault(postern_kv_delete(key), postern_text("ok"));
    if (strcmp(op, "keys") == 0) {
        postern_strings keys;
        postern_kv_fault fault = postern_kv_keys(key, with->b.data, (uint32_t)number_of(with->c), &keys);
        postern_string listed = POSTERN_NONE;
        for (size_t at = 0; at < keys.count; at++)
            join(&listed, ",", keys.items[at]);
        return or_fault(fault, postern_or(listed, ""));
    }
    return postern_text("unknown step");
}

static postern_string clients_step(postern_string op, const arguments *with)
{
    if (postern_equals(op, "clients-count"))
        return shown_number(postern_clients_count(selector_of(with->a)));
    if (postern_equals(op, "clients-find")) {
        postern_client_ids ids = postern_clients_find(selector_of(with->a), (uint32_t)number_of(with->b));
        postern_string listed = POSTERN_NONE;
        for (size_t at = 0; at < ids.count; at++)
            join(&listed, ",", shown_number(ids.items[at]));
        return postern_or(listed, "");
    }
    if (postern_equals(op, "client")) {
        postern_client client;
        return postern_clients_get(number_of(with->a), &client) ? client_line(client) : postern_text("none");
    }
    if (postern_equals(op, "label"))
        postern_clients_add_label(number_of(with->a), with->b.data, with->c.data);
    else if (postern_equals(op, "unlabel"))
        postern_clients_remove_label(number_of(with->a), with->b.data, with->c.data);
    else if (postern_equals(op, "disconnect"))
        postern_clients_disconnect(number_of(with->a), (uint16_t)number_of(with->b), postern_or(with->c, "").data);
    else if (postern_equals(op, "pong"))
        postern_clients_pong(number_of(with->a), postern_or(with->b, ""));
    else
        return POSTERN_NONE;
    return postern_text("ok");
}

__attribute__((noinline)) static int recurse(volatile char *above, uint64_t left)
{
    volatile char here[256];
    here[0] = *above;
    return left == 0 ? here[0] : recurse(here, left - 1) + here[0];
}

static postern_string bad_end(postern_string op, const arguments *with)
{
    if (postern_equals(op, "trap"))
        __builtin_trap();
    if (postern_equals(op, "loop"))
        for (volatile int turns = 0;; turns++)
            ;
    if (postern_equals(op, "recurse")) {
        volatile char here = 0;
        return shown_number((uint64_t)recurse(&here, UINT64_MAX));
    }
    for (uint64_t left = number_of(with->a); left > 0; left--) {
        volatile char *some = malloc(1 << 20);
        if (some == NULL)
            __builtin_trap();
        for (size_t at = 0; at < 1 << 20; at += 4096)
            some[at] = 1;
    }
    return postern_text("ok");
}

static postern_string signing_step(postern_string op, const arguments *with)
{
    postern_string data = postern_or(with->c, ""), signature;
    bool right;
    const char *secret = postern_or(with->a, "").data;
    if (postern_equals(op, "sign"))
        return postern_sign(secret, algorithm_of(with->b), data, &signature) ? hex(signature) : postern_text("no-such-secret");
    bool there = postern_verify(secret, algorithm_of(with->b), data, from_hex(postern_or(with->d, "")), &right);
    return there ? shown_bool(right) : postern_text("no-such-secret");
}

static postern_string step(postern_message message, const postern_client *sender, postern_string op, const arguments *with)
{
    postern_string ok = postern_text("ok");
    if (postern_equals(op, "id"))
        return shown_number(postern_message_id(message));
    if (postern_equals(op, "source"))
        return postern_message_source(message);
    if (postern_equals(op, "received"))
        return shown_number(postern_message_received(message));
    if (postern_equals(op, "format"))
        return postern_text(postern_message_format(message) == POSTERN_TEXT ? "text" : "binary");
    if (postern_equals(op, "size"))
        return shown_number(postern_message_size(message));
    if (postern_equals(op, "data"))
        return postern_message_data(message);
    if (postern_equals(op, "read"))
        return postern_message_read(message, number_of(with->a), number_of(with->b));
    if (postern_equals(op, "json"))
        return shown(postern_message_json(message, postern_or(with->a, "").data));
    if (postern_equals(op, "header"))
        return shown(postern_message_header(message, postern_or(with->a, "").data));
    if (postern_equals(op, "config"))
        return shown(postern_config(postern_or(with->a, "").data));
    if (postern_equals(op, "config-json"))
        return postern_config_json();
    if (postern_equals(op, "enabled"))
        return shown_bool(postern_log_enabled(level_of(with->a)));
    if (postern_equals(op, "log")) {
        postern_field field = {with->c, postern_or(with->d, "")};
        postern_log_fields(level_of(with->a), postern_or(with->b, ""), &field, with->c.data != NULL);
        return ok;
    }
    if (postern_equals(op, "count"))
        return postern_count(with->a.data, number_of(with->b)), ok;
    if (postern_equals(op, "gauge"))
        return postern_gauge(with->a.data, strtod(postern_or(with->b, "0").data, NULL)), ok;
    if (postern_equals(op, "observe"))
        return postern_observe(with->a.data, strtod(postern_or(with->b, "0").data, NULL)), ok;
    if (postern_equals(op, "now"))
        return shown_number(postern_now());
    if (postern_equals(op, "monotonic")) {
        uint64_t first = postern_monotonic();
        return postern_text(postern_monotonic() >= first ? "ok" : "back");
    }
    if (postern_begins_with(op, "kv-"))
        return kv_step(op.data + 3, with);
    if (postern_equals(op, "sign") || postern_equals(op, "verify"))
        return signing_step(op, with);
    if (postern_equals(op, "send") || postern_equals(op, "send-binary")) {
        postern_client_ids except = ids_of(with->c);
        postern_kind kind = postern_equals(op, "send") ? POSTERN_TEXT : POSTERN_BINARY;
        postern_outbox_send_except(selector_of(with->a), except.items, except.count, kind, postern_or(with->b, ""));
        return ok;
    }
    if (postern_equals(op, "sender"))
        return sender == NULL ? postern_text("none") : client_line(*sender);
    if (postern_equals(op, "loop") || postern_equals(op, "trap") || postern_equals(op, "grow") || postern_equals(op, "recurse"))
        return bad_end(op, with);
    return postern_or(clients_step(op, with), "unknown step");
}

postern_string steps(postern_message message, const postern_client *sender)
{
    postern_string report = POSTERN_NONE;
    for (unsigned at = 0;; at++) {
        postern_string op = postern_message_json(message, postern_format("/do/%u/op", at).data);
        if (op.data == NULL)
            return postern_or(report, "");
        arguments with = {
            postern_message_json(message, postern_format("/do/%u/a", at).data),
            postern_message_json(message, postern_format("/do/%u/b", at).data),
            postern_message_json(message, postern_format("/do/%u/c", at).data),
            postern_message_json(message, postern_format("/do/%u/d", at).data),
        };
        join(&report, "\n", step(message, sender, op, &with));
    }
}
