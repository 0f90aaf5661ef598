/* Values as they stand in messages and reports. */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

postern_string shown(postern_string string)
{
    return postern_or(string, "none");
}

postern_string shown_bool(bool value)
{
    return postern_text(value ? "true" : "false");
}

postern_string shown_number(uint64_t number)
{
    return postern_format("%llu", (unsigned long long)number);
}

void join(postern_string *all, const char *separator, postern_string piece)
{
    if (all->data == NULL) {
        *all = piece;
        return;
    }
    size_t between = strlen(separator);
    char *joined = postern_allocate(all->length + between + piece.length + 1);
    memcpy(joined, all->data, all->length);
    memcpy(joined + all->length, separator, between);
    memcpy(joined + all->length + between, piece.data, piece.length);
    *all = postern_bytes(joined, all->length + between + piece.length);
}

parts split(postern_string text, char separator)
{
    parts parts = {NULL, 0};
    if (text.data == NULL || text.length == 0)
        return parts;
    parts.items = postern_allocate((text.length + 1) * sizeof *parts.items);
    size_t begin = 0;
    for (size_t at = 0; at <= text.length; at++) {
        if (at != text.length && text.data[at] != separator)
            continue;
        parts.items[parts.count++] = postern_format("%.*s", (int)(at - begin), text.data + begin);
        begin = at + 1;
    }
    return parts;
}

uint64_t number_of(postern_string text)
{
    return text.data == NULL ? 0 : strtoull(text.data, NULL, 10);
}

postern_client_ids ids_of(postern_string text)
{
    parts some = split(text, ',');
    postern_client_id *ids = postern_allocate(some.count * sizeof *ids);
    for (size_t at = 0; at < some.count; at++)
        ids[at] = number_of(some.items[at]);
    return (postern_client_ids){ids, some.count};
}

postern_labels labels_of(postern_string text)
{
    parts some = split(text, ',');
    postern_label *labels = postern_allocate(some.count * sizeof *labels);
    for (size_t at = 0; at < some.count; at++) {
        const char *equals = strchr(some.items[at].data, '=');
        size_t key = equals == NULL ? some.items[at].length : (size_t)(equals - some.items[at].data);
        labels[at].key = postern_bytes(some.items[at].data, key);
        labels[at].value = postern_text(equals == NULL ? "" : equals + 1);
    }
    return (postern_labels){labels, some.count};
}

postern_selector selector_of(postern_string text)
{
    if (postern_begins_with(text, "clients:")) {
        postern_client_ids ids = ids_of(postern_text(text.data + strlen("clients:")));
        return postern_clients_with(ids.items, ids.count);
    }
    if (postern_begins_with(text, "any:")) {
        postern_labels labels = labels_of(postern_text(text.data + strlen("any:")));
        return postern_any_label(labels.items, labels.count);
    }
    if (postern_begins_with(text, "all:")) {
        postern_labels labels = labels_of(postern_text(text.data + strlen("all:")));
        return postern_all_labels(labels.items, labels.count);
    }
    return postern_everyone();
}
