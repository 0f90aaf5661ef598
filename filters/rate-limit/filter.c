/* Lets each sender write so many messages within so long; what is over goes to another desk, or to nobody. */

#include "postern/postern.h"
#include <stdlib.h>

static const char *const SENDER = "/entry/0/changes/0/value/messages/0/from";
static const char *const SENDER_BY_ID = "/entry/0/changes/0/value/messages/0/from_user_id";

/* A whole number of the configuration, at least 1; 0 when it is something else. */
static uint64_t number(const char *key, const char *otherwise)
{
    postern_string text = postern_or(postern_config(key), otherwise);
    char *end;
    uint64_t value = strtoull(text.data, &end, 10);
    return *end == '\0' && text.data[0] != '-' ? value : 0;
}

postern_error configure(void)
{
    if (number("limit", "20") == 0)
        return "`limit` is a number of messages, 1 or more";
    if (number("seconds", "60") == 0)
        return "`seconds` is how long they are counted, 1 or more";
    return NULL;
}

postern_verdict on_message(postern_message message)
{
    postern_string sender = postern_message_json(message, SENDER);
    if (sender.data == NULL)
        sender = postern_message_json(message, SENDER_BY_ID);
    if (sender.data == NULL)
        return postern_pass(); /* A status, or about an account: nobody has written. */

    int64_t count;
    postern_string key = postern_format("rate:%s", sender.data);
    /* The first message begins the time; when it is over the count begins anew. */
    postern_kv_fault fault = postern_kv_increment(key.data, 1, number("seconds", "60") * 1000, &count);
    if (fault != POSTERN_KV_OK)
        return postern_fail(postern_format("the count cannot be kept: %s", postern_kv_fault_name(fault)).data);
    if ((uint64_t)count <= number("limit", "20"))
        return postern_pass();

    postern_count("over_limit", 1);
    postern_string desk = postern_config("desk");
    if (desk.data == NULL)
        return postern_drop("too many messages of one sender");
    return postern_send_to(postern_labelled("desk", desk.data));
}
