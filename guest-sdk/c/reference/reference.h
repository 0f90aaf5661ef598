/* What the reference filter's files share. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "postern/postern.h"

/* How a value is written in a report. */
postern_string shown(postern_string string);
postern_string shown_bool(bool value);
postern_string shown_number(uint64_t number);

/* Pieces with a separator between them, put together one by one. */
void join(postern_string *all, const char *separator, postern_string piece);

/* The parts of a text between commas. */
typedef struct {
    postern_string *items;
    size_t count;
} parts;
parts split(postern_string text, char separator);

/* `everyone`, `clients:1,2`, `any:k=v,k=v`, `all:k=v,k=v` */
postern_selector selector_of(postern_string text);
postern_labels labels_of(postern_string text);
postern_client_ids ids_of(postern_string text);
uint64_t number_of(postern_string text);

/* Does all that the message asks for, and says what came of it. `sender` is NULL in a message handler. */
postern_string steps(postern_message message, const postern_client *sender);

#endif
