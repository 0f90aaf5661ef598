/*
 * What postern calls. `postern filter build` defines POSTERN_HAS_… for each handler that filter.toml names; the others are
 * not part of the component.
 *
 * What is returned is read from memory before the call's memory goes, which postern says by calling the `cabi_post_…`.
 */
#include "memory.h"

#define EXPORT(interface, name) __attribute__((export_name("postern:filter/" interface "@0.1.0#" name)))
#define ENDED(interface, name) __attribute__((export_name("cabi_post_postern:filter/" interface "@0.1.0#" name)))
#define DROP(resource)                                                                                                      \
    __attribute__((import_module("postern:filter/types@0.1.0"), import_name("[resource-drop]" resource))) extern

DROP("message") void message_drop(int32_t handle);
DROP("client") void client_drop(int32_t handle);
DROP("request") void request_drop(int32_t handle);

/* result<_, string> */
typedef struct {
    uint8_t failed;
    postern_string words;
} done;

__attribute__((unused)) static done done_with(postern_error error)
{
    return (done){error != NULL, postern_copy(postern_text(error))};
}

#ifdef POSTERN_HAS_SETUP
EXPORT("setup", "configure") const done *postern_export_configure(void)
{
    static done returned;
    returned = done_with(configure());
    postern_handler_returned();
    return &returned;
}

ENDED("setup", "configure") void postern_ended_configure(const done *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_MESSAGE
EXPORT("message-handler", "on-message") const postern_verdict *postern_export_on_message(int32_t message)
{
    static postern_verdict returned;
    returned = on_message((postern_message){message});
    message_drop(message);
    postern_handler_returned();
    return &returned;
}

ENDED("message-handler", "on-message") void postern_ended_on_message(const postern_verdict *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_CLIENT
EXPORT("client-handler", "on-client-message")
const postern_verdict *postern_export_on_client_message(int32_t sender, int32_t message)
{
    static postern_verdict returned;
    returned = on_client_message((postern_client){sender}, (postern_message){message});
    message_drop(message);
    client_drop(sender);
    postern_handler_returned();
    return &returned;
}

ENDED("client-handler", "on-client-message") void postern_ended_on_client_message(const postern_verdict *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_ADMISSION
EXPORT("admission-handler", "on-connect") const postern_admission *postern_export_on_connect(int32_t request)
{
    static postern_admission returned;
    returned = on_connect((postern_request){request});
    request_drop(request);
    postern_handler_returned();
    return &returned;
}

ENDED("admission-handler", "on-connect") void postern_ended_on_connect(const postern_admission *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_HTTP
EXPORT("http-handler", "on-request") const postern_answer *postern_export_on_request(int32_t request)
{
    static postern_answer returned;
    returned = on_request((postern_request){request});
    request_drop(request);
    postern_handler_returned();
    return &returned;
}

ENDED("http-handler", "on-request") void postern_ended_on_request(const postern_answer *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_EVENT
/* An event's parts come side by side; what they are depends on its kind. */
static postern_event event_of(int32_t kind, int32_t a, int32_t b, int32_t c, int32_t d)
{
    postern_event event = {.kind = (postern_event_kind)kind};
    switch (event.kind) {
    case POSTERN_CONNECT:
        break;
    case POSTERN_CLOSE:
        if (a) {
            event.code = (uint16_t)b;
            event.reason = postern_bytes((const void *)c, (size_t)d);
        }
        break;
    case POSTERN_DISCONNECT:
        if (a)
            event.reason = postern_bytes((const void *)b, (size_t)c);
        break;
    case POSTERN_PING:
    case POSTERN_PONG:
        event.data = postern_bytes((const void *)a, (size_t)b);
        break;
    }
    return event;
}

EXPORT("event-handler", "on-event")
const done *postern_export_on_event(int32_t client, int32_t kind, int32_t a, int32_t b, int32_t c, int32_t d)
{
    static done returned;
    postern_event event = event_of(kind, a, b, c, d);
    returned = done_with(on_event((postern_client){client}, &event));
    client_drop(client);
    postern_handler_returned();
    return &returned;
}

ENDED("event-handler", "on-event") void postern_ended_on_event(const done *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif

#ifdef POSTERN_HAS_AUDIENCE
/* result<list<bool>, string> */
typedef struct {
    uint8_t failed;
    union {
        struct {
            const bool *items;
            size_t count;
        } chosen;
        postern_string words;
    } is;
} chosen;

_Static_assert(sizeof(postern_client) == sizeof(int32_t), "a list of handles is a list of clients");

EXPORT("audience-handler", "choose")
const chosen *postern_export_choose(int32_t message, const postern_client *clients, size_t count)
{
    static chosen returned;
    bool *through = postern_allocate(count);
    postern_error error = choose((postern_message){message}, clients, count, through);
    returned.failed = error != NULL;
    if (error != NULL) {
        returned.is.words = postern_copy(postern_text(error));
    } else {
        returned.is.chosen.items = through;
        returned.is.chosen.count = count;
    }
    message_drop(message);
    for (size_t at = 0; at < count; at++)
        client_drop(clients[at].handle);
    postern_handler_returned();
    return &returned;
}

ENDED("audience-handler", "choose") void postern_ended_choose(const chosen *returned)
{
    (void)returned;
    postern_call_ended();
}
#endif
