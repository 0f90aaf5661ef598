/*
 * postern.h: write a filter for the postern gateway in C.
 *
 * A filter is a few functions with the names below. Its filter.toml says which of them it has; postern calls those and
 * no others.
 *
 *     handlers = ["message"]      on_message          what to do with each message a webhook delivers
 *     handlers = ["admission"]    on_connect          whether a client may connect, and as whom
 *     handlers = ["client"]       on_client_message   what to do with each message a client sends
 *     handlers = ["event"]        on_event            nothing; you are told of connects, closes, pings, …
 *     handlers = ["audience"]     choose              which of the clients a message is for get it
 *     handlers = ["http"]         on_request          how to answer a plain HTTP request
 *     handlers = ["setup"]        configure           to check your configuration before any traffic
 *
 * Four rules hold everywhere:
 *
 * 1. You free nothing. All that postern gives you and all that the functions here make is yours until your handler
 *    returns, and gone after that. What must live longer within an instance is copied by postern_keep().
 * 2. What comes in is a handle: nothing is copied into your memory until you ask for it.
 * 3. A call happens whole or not at all. What you send or ask of clients takes effect only if your handler does not
 *    fail. (postern_kv_…, metrics and the log are the exceptions: they act at once.)
 * 4. Do not count on globals between calls: most filters get a fresh instance each time. Keep what must last in
 *    postern_kv_…, or in client labels.
 *
 * Version 0.1.0, for postern:filter@0.1.0. It runs on every later 0.1.
 */
#ifndef POSTERN_H
#define POSTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------------------------------------------------------------
 * Strings
 * ------------------------------------------------------------------------------------------------------------------ */

/*
 * Text in UTF-8, or any bytes. After the last of them there is always a NUL that `length` does not count, so `data` can
 * be given to whatever takes a C string; but what came from outside may have NULs within, so do not decide anything by
 * strstr() or strlen() that a sender would like to be decided otherwise: postern_contains() and its like look at all of it.
 *
 * `data` is NULL when there is nothing: where the gateway has no such setting, header, label or value.
 */
typedef struct {
    const char *data;
    size_t length;
} postern_string;

/* Nothing, which is not the same as the empty string. */
#define POSTERN_NONE ((postern_string){NULL, 0})

/* A C string as it is, not copied; NULL is nothing. */
postern_string postern_text(const char *text);
/* Bytes as they are, not copied. */
postern_string postern_bytes(const void *data, size_t length);
/* As printf() does. Lives until the handler returns. */
postern_string postern_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `string`, or if it is nothing `otherwise`. */
postern_string postern_or(postern_string string, const char *otherwise);
/* Whether it is there and has exactly this in it. */
bool postern_equals(postern_string string, const char *text);
bool postern_begins_with(postern_string string, const char *text);
/* Whether it is there and has this somewhere in it. Bytes are compared: capitals are not small letters. */
bool postern_contains(postern_string string, const char *text);
/* The same, with a needle that may have NULs in it. */
bool postern_contains_string(postern_string string, postern_string part);

/* Memory, zeroed, until the handler returns. Never NULL: a filter that asks for more than it may have traps. */
void *postern_allocate(size_t size);
/* A copy that stays for as long as the instance does: for what configure() makes ready. */
postern_string postern_keep(postern_string string);

typedef struct {
    const postern_string *items;
    size_t count;
} postern_strings;

/* ---------------------------------------------------------------------------------------------------------------------
 * Messages: on their way to clients, or from one
 * ------------------------------------------------------------------------------------------------------------------ */

/* A message. Good until the handler returns; used later, it traps. */
typedef struct {
    int32_t handle;
} postern_message;

/* The two kinds of WebSocket message. Text is UTF-8; anything else as text is an error of the filter. */
typedef enum { POSTERN_TEXT = 0, POSTERN_BINARY = 1 } postern_kind;

/* Identifies the delivery that began this message. Parts of a message that was split have the same. 0: a client sent it. */
uint64_t postern_message_id(postern_message message);
/* The name, in postern's configuration, of the source it came from: a webhook's, or for a client's message the stream's. */
postern_string postern_message_source(postern_message message);
/* When postern accepted it, in milliseconds since 1970. */
uint64_t postern_message_received(postern_message message);
postern_kind postern_message_format(postern_message message);
/* How many bytes there are, without copying them. */
uint64_t postern_message_size(postern_message message);
/* All of it, copied into your memory. */
postern_string postern_message_data(postern_message message);
/* A part of it: at most `length` bytes from `offset`, fewer at the end. */
postern_string postern_message_read(postern_message message, uint64_t offset, uint64_t length);
/*
 * The value at an RFC 6901 JSON Pointer such as "/entry/0/id": a string as its text, anything else as JSON. Nothing when
 * there is nothing there or the message is not JSON. postern parses once, however many filters ask.
 */
postern_string postern_message_json(postern_message message, const char *pointer);
/* A header of the HTTP request that delivered it, if the operator lets filters see that header. */
postern_string postern_message_header(postern_message message, const char *name);

/* Where things are in what WhatsApp sends, one message or status a delivery as postern splits them. */
#define POSTERN_WHATSAPP_VALUE "/entry/0/changes/0/value"
#define POSTERN_WHATSAPP_PHONE_NUMBER_ID POSTERN_WHATSAPP_VALUE "/metadata/phone_number_id"
#define POSTERN_WHATSAPP_FROM POSTERN_WHATSAPP_VALUE "/messages/0/from"
#define POSTERN_WHATSAPP_MESSAGE_ID POSTERN_WHATSAPP_VALUE "/messages/0/id"
#define POSTERN_WHATSAPP_TYPE POSTERN_WHATSAPP_VALUE "/messages/0/type"
#define POSTERN_WHATSAPP_TEXT POSTERN_WHATSAPP_VALUE "/messages/0/text/body"
#define POSTERN_WHATSAPP_NAME POSTERN_WHATSAPP_VALUE "/contacts/0/profile/name"
#define POSTERN_WHATSAPP_STATUS POSTERN_WHATSAPP_VALUE "/statuses/0/status"

/* ---------------------------------------------------------------------------------------------------------------------
 * Clients
 * ------------------------------------------------------------------------------------------------------------------ */

/* A connected client. Good until the handler returns. */
typedef struct {
    int32_t handle;
} postern_client;

/* Names a connection for as long as it lives; never used again while this postern runs. */
typedef uint64_t postern_client_id;

typedef struct {
    const postern_client_id *items;
    size_t count;
} postern_client_ids;

/* Something known of a client, such as user=42 or room=lobby. A client may carry one key with many values. */
typedef struct {
    postern_string key;
    postern_string value;
} postern_label;

typedef struct {
    const postern_label *items;
    size_t count;
} postern_labels;

postern_label postern_label_of(const char *key, const char *value);

postern_client_id postern_client_id_of(postern_client client);
/* Who it is, as admission said. */
postern_string postern_client_subject(postern_client client);
/* The first value of the label `key`. */
postern_string postern_client_label(postern_client client, const char *key);
postern_labels postern_client_labels(postern_client client);
/* The peer's address, ip:port, after any trusted proxy headers. */
postern_string postern_client_address(postern_client client);
/* Since when, in milliseconds since 1970. */
uint64_t postern_client_since(postern_client client);

/* Chooses clients. Made by one of the functions below; what its arguments point to must stay until it is used. */
typedef struct {
    uint8_t kind;
    struct {
        const void *items;
        size_t count;
    } list;
} postern_selector;

/* Every connected client. */
postern_selector postern_everyone(void);
/* Those that carry this label: postern_labelled("room", "lobby"). */
postern_selector postern_labelled(const char *key, const char *value);
/* Those with these ids. Ids that are gone are passed over. */
postern_selector postern_clients_with(const postern_client_id *ids, size_t count);
/* Those that carry at least one of these labels. */
postern_selector postern_any_label(const postern_label *labels, size_t count);
/* Those that carry every one of these labels. */
postern_selector postern_all_labels(const postern_label *labels, size_t count);

/* How many there are. */
uint64_t postern_clients_count(postern_selector among);
/* At most `limit` of them (and 10 000), longest connected first. */
postern_client_ids postern_clients_find(postern_selector among, uint32_t limit);
/* One of them; false when it is gone. */
bool postern_clients_get(postern_client_id id, postern_client *client);

/* What follows takes effect when the handler returns without an error. */

/* Gives one a label, beside any it has. */
void postern_clients_add_label(postern_client_id id, const char *key, const char *value);
void postern_clients_remove_label(postern_client_id id, const char *key, const char *value);
/* Closes one. Codes are 1000 to 1003, 1007 to 1014 and 3000 to 4999. */
void postern_clients_disconnect(postern_client_id id, uint16_t code, const char *reason);
/* Answers a ping, on a stream with pong = "manual". At most 125 bytes. */
void postern_clients_pong(postern_client_id id, postern_string data);

/* Sends to everyone `to` chooses, past the filters that follow, durably, in the order sent. */
void postern_outbox_send(postern_selector to, postern_string text);
/* The same, as binary or text, and not to those in `except`. */
void postern_outbox_send_except(postern_selector to, const postern_client_id *except, size_t count, postern_kind format,
                                postern_string data);

/* ---------------------------------------------------------------------------------------------------------------------
 * on_message, on_client_message: what to do with a message
 * ------------------------------------------------------------------------------------------------------------------ */

/* A body, and how it travels. */
typedef struct {
    uint8_t format;
    postern_string data;
} postern_payload;

/* Who gets what. Made by one of the functions below. */
typedef struct {
    postern_selector to;
    /* Left out even when `to` chooses them: for a relay, the sender. */
    postern_client_ids except;
    struct {
        uint8_t there;
        postern_payload payload;
    } what;
} postern_delivery;

/* The message in hand, as it is. */
postern_delivery postern_deliver(postern_selector to);
postern_delivery postern_deliver_text(postern_selector to, postern_string text);
postern_delivery postern_deliver_binary(postern_selector to, postern_string data);

/* What to do with a message. Made by one of the functions below; its fields are their affair. */
typedef struct {
    uint8_t failed;
    union {
        struct {
            uint8_t kind;
            union {
                struct {
                    uint8_t there;
                    postern_string reason;
                } drop;
                postern_payload rewrite;
                struct {
                    const postern_delivery *items;
                    size_t count;
                } send;
            } as;
        } verdict;
        postern_string words;
    } is;
} postern_verdict;

/* Leave it as it is. If every filter says so, everyone gets it. */
postern_verdict postern_pass(void);
/* Discard it; later filters never see it. The reason is logged and counted; NULL: none. */
postern_verdict postern_drop(const char *reason);
/* Replace the body, by text; the audience stays as it was. */
postern_verdict postern_rewrite(postern_string text);
postern_verdict postern_rewrite_binary(postern_string data);
/* Send it, as it is, to a selection. */
postern_verdict postern_send_to(postern_selector to);
/* Send it to several selections; each part goes on down the chain by itself. None at all is a drop. */
postern_verdict postern_send(const postern_delivery *deliveries, size_t count);
/* The filter failed, in these words: counted, logged, and met with the operator's on-error policy. */
postern_verdict postern_fail(const char *words);

/* Judges every message bound for clients. */
postern_verdict on_message(postern_message message);

/*
 * Judges every message a client sends. What postern_send and postern_rewrite make of it goes to clients of the same stream.
 * postern_pass and postern_rewrite leave it to the stream's `relay`, which is to ignore it. To answer the sender alone, use
 * postern_outbox_send.
 */
postern_verdict on_client_message(postern_client sender, postern_message message);

/* ---------------------------------------------------------------------------------------------------------------------
 * configure, on_event, choose: handlers that succeed or fail
 * ------------------------------------------------------------------------------------------------------------------ */

/* What such a handler returns: NULL when all is well, else what went wrong, in words. */
typedef const char *postern_error;

/* Called when the filter is loaded, and once for each instance before its first call. An error keeps the filter out. */
postern_error configure(void);

typedef enum {
    /* Admitted and upgraded; it can be sent to. */
    POSTERN_CONNECT = 0,
    /* It sent a close frame, with `code` and `reason`; `code` is 0 when it gave none. POSTERN_DISCONNECT follows. */
    POSTERN_CLOSE = 1,
    /* It is gone: the last event a client has. `reason` is why, nothing if it closed by itself. */
    POSTERN_DISCONNECT = 2,
    /* It sent a ping with `data`. postern has answered, unless the stream says pong = "manual". */
    POSTERN_PING = 3,
    /* It answered a ping, with `data`. */
    POSTERN_PONG = 4,
} postern_event_kind;

/* What became of a connection. */
typedef struct {
    postern_event_kind kind;
    uint16_t code;
    postern_string reason;
    postern_string data;
} postern_event;

/* Hears of the kinds of event that the operator turned on: connect and disconnect unless told otherwise. */
postern_error on_event(postern_client client, const postern_event *event);

/*
 * Chooses, client by client, who gets a message: set chosen[i] for each of the `count` clients that shall. All are false
 * before. Answer by what the message and the client are, not by when you are asked: you are asked again on replay.
 */
postern_error choose(postern_message message, const postern_client *clients, size_t count, bool *chosen);

/* ---------------------------------------------------------------------------------------------------------------------
 * on_connect, on_request: requests
 * ------------------------------------------------------------------------------------------------------------------ */

/* An HTTP request: one that asks to become a WebSocket, or a plain one. Good until the handler returns. */
typedef struct {
    int32_t handle;
} postern_request;

/* One HTTP header. Names arrive in lower case. */
typedef struct {
    postern_string name;
    postern_string value;
} postern_header;

typedef struct {
    const postern_header *items;
    size_t count;
} postern_headers;

/* In upper case: GET, POST, … */
postern_string postern_request_method(postern_request request);
/* Always begins with `/`; never includes the query. */
postern_string postern_request_path(postern_request request);
/* What follows `?`, as sent. */
postern_string postern_request_query(postern_request request);
/* The first value of the query parameter `name`, percent-decoded. */
postern_string postern_request_param(postern_request request, const char *name);
/* The first header of that name, in any case. */
postern_string postern_request_header(postern_request request, const char *name);
postern_headers postern_request_headers(postern_request request);
/* The peer's address, ip:port, after any trusted proxy headers. */
postern_string postern_request_address(postern_request request);
/* Read in full already. Empty for a request that asks to become a WebSocket. */
postern_string postern_request_body(postern_request request);

/* What a client may connect as. Begin with {0} and fill in what there is. */
typedef struct {
    /* Who it is, for other filters and for the logs. */
    postern_string subject;
    /* What to know it by. */
    postern_labels labels;
    /* The WebSocket subprotocol to agree on; it must be one the client asked for. */
    postern_string subprotocol;
    /* A first message, text, for this client alone, sent before any other. */
    postern_string greeting;
} postern_grant;

/* Whether a client may connect. Made by one of the functions below; its fields are their affair. */
typedef struct {
    uint8_t failed;
    union {
        struct {
            uint8_t kind;
            union {
                struct {
                    struct {
                        uint8_t there;
                        postern_string text;
                    } subject;
                    postern_labels labels;
                    struct {
                        uint8_t there;
                        postern_string text;
                    } subprotocol;
                    struct {
                        uint8_t there;
                        postern_payload payload;
                    } greeting;
                } allow;
                struct {
                    uint16_t status;
                    postern_string body;
                    struct {
                        uint8_t there;
                        postern_string text;
                    } reason;
                } deny;
            } as;
        } admission;
        postern_string words;
    } is;
} postern_admission;

/* It may connect, and nothing is known of it. */
postern_admission postern_allow(void);
/* It may connect, as this. */
postern_admission postern_allow_as(postern_grant grant);
/* It may not: an HTTP status of 400 to 599, what the client is told, and a reason for the log alone (or NULL). */
postern_admission postern_deny(uint16_t status, const char *body, const char *reason);
/* The filter failed, in these words. The client is denied. */
postern_admission postern_fail_admission(const char *words);

/* Judges every client that asks to connect. With several such filters every one must allow it. */
postern_admission on_connect(postern_request request);

/* An HTTP answer. */
typedef struct {
    uint16_t status;
    postern_headers headers;
    postern_string body;
} postern_response;

/* An answer of a content type, such as "application/json"; NULL: no such header. */
postern_response postern_response_of(uint16_t status, const char *content_type, postern_string body);
/* Adds a header to it. */
void postern_response_add_header(postern_response *response, const char *name, const char *value);

/* How to answer a plain HTTP request. Made by one of the functions below; its fields are their affair. */
typedef struct {
    uint8_t failed;
    union {
        struct {
            uint8_t kind;
            union {
                postern_response respond;
                struct {
                    postern_payload payload;
                    postern_response response;
                } accept;
            } as;
        } answer;
        postern_string words;
    } is;
} postern_answer;

/* Not mine: the next filter, then the gateway's own routes. */
postern_answer postern_not_mine(void);
/* Answer so. */
postern_answer postern_respond(postern_response response);
/*
 * It is a webhook in a dialect of your own: put this text in the message chain of the webhook the operator named, and answer
 * so once it is on disk. To know it when it is sent again, ask postern_kv_add first.
 */
postern_answer postern_accept(postern_string text, postern_response response);
postern_answer postern_accept_binary(postern_string data, postern_response response);
/* The filter failed, in these words. */
postern_answer postern_fail_request(const char *words);

/* Answers plain HTTP requests. */
postern_answer on_request(postern_request request);

/* ---------------------------------------------------------------------------------------------------------------------
 * What postern does for a filter
 * ------------------------------------------------------------------------------------------------------------------ */

/* One setting of the filter's own section of postern's configuration: a string as its text, anything else as JSON. */
postern_string postern_config(const char *key);
/* All of them, as one JSON object. */
postern_string postern_config_json(void);

typedef enum { POSTERN_TRACE = 0, POSTERN_DEBUG, POSTERN_INFO, POSTERN_WARN, POSTERN_ERROR } postern_level;

/* Something to find a line of the log by. */
typedef struct {
    postern_string key;
    postern_string value;
} postern_field;

/* Whether a line at this level would go anywhere. Ask before building a costly one. */
bool postern_log_enabled(postern_level level);
/*
 * A line for the operator, then pairs of a key and a value, both const char *, and NULL at the end; a value that is NULL is
 * empty, and ends them too:
 *
 *     postern_log(POSTERN_INFO, "dropped", "word", word.data, NULL);
 */
void postern_log(postern_level level, const char *text, ...) __attribute__((sentinel));
void postern_log_fields(postern_level level, postern_string text, const postern_field *fields, size_t count);

/* Numbers for the operator, shown as postern_filter_<name>{filter="…"}. Adds to a counter. */
void postern_count(const char *name, uint64_t by);
/* Sets a gauge. */
void postern_gauge(const char *name, double value);
/* Adds one observation to a histogram. */
void postern_observe(const char *name, double value);

/* Milliseconds since 1970. */
uint64_t postern_now(void);
/* Nanoseconds from some fixed point; it never goes back. */
uint64_t postern_monotonic(void);

/* What may be wrong with postern_kv_…; POSTERN_KV_OK is 0, so `if (postern_kv_set(…))` is the case that it failed. */
typedef enum {
    POSTERN_KV_OK = 0,
    /* The key or the value is longer than the operator allows. */
    POSTERN_KV_TOO_LARGE,
    /* The keyspace is full. */
    POSTERN_KV_FULL,
    /* The value there is not a number. */
    POSTERN_KV_NOT_A_NUMBER,
    /* The store behind it did not answer. */
    POSTERN_KV_UNAVAILABLE,
} postern_kv_fault;

/* "too-large", "full", … */
const char *postern_kv_fault_name(postern_kv_fault fault);

/* As a time to live: the key does not go by itself. */
#define POSTERN_FOREVER UINT64_MAX

/*
 * What lasts, restarts and crashes included. Each filter has a keyspace of its own, unless the operator gave several the
 * same. Every operation is atomic and acts at once. A `ttl` is in milliseconds, or POSTERN_FOREVER.
 */
postern_kv_fault postern_kv_get(const char *key, postern_string *value);
postern_kv_fault postern_kv_set(const char *key, postern_string value, uint64_t ttl);
/* Sets only what is not there, and says whether it did. The whole of deduplication. */
postern_kv_fault postern_kv_add(const char *key, postern_string value, uint64_t ttl, bool *added);
/* Adds to a decimal number, from nought, and says what it came to. `ttl` counts from the first. The whole of rate limiting. */
postern_kv_fault postern_kv_increment(const char *key, int64_t by, uint64_t ttl, int64_t *became);
/* Sets it to `new_value` if it is `old_value`, and says whether it was. POSTERN_NONE is: not there. */
postern_kv_fault postern_kv_swap(const char *key, postern_string old_value, postern_string new_value, bool *swapped);
postern_kv_fault postern_kv_delete(const char *key);
/* Keys that begin with `prefix`, in order, after `after` (NULL: from the first), at most `limit`. */
postern_kv_fault postern_kv_keys(const char *prefix, const char *after, uint32_t limit, postern_strings *keys);

typedef enum { POSTERN_HMAC_SHA1 = 0, POSTERN_HMAC_SHA256, POSTERN_HMAC_SHA512 } postern_algorithm;

/*
 * Signatures, as raw bytes, made and checked with keys that a filter can name and never see. They are false when the
 * operator gave this filter no secret of that name; else they set the last argument.
 */
bool postern_sign(const char *secret, postern_algorithm algorithm, postern_string data, postern_string *signature);
/* Compared in constant time. */
bool postern_verify(const char *secret, postern_algorithm algorithm, postern_string data, postern_string signature, bool *right);

#endif
