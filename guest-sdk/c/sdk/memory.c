/*
 * Memory. Whatever a call takes comes from chunks that are given back together when the call has ended, so that nobody has
 * to free anything; malloc() is the filter's own, and what lasts is there.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 << 10, ALIGNMENT = 16 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) char data[];
};

struct owned {
    struct owned *next;
    int32_t handle;
};

static struct chunk *chunks;
static struct owned *clients;

/* Memory that holds anything: a filter without memory cannot go on, and a trap says so. */
static void *take(size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded < size || rounded > SIZE_MAX - sizeof(struct chunk))
        __builtin_trap();
    if (chunks == NULL || chunks->size - chunks->used < rounded) {
        size_t room = rounded > CHUNK ? rounded : CHUNK;
        struct chunk *chunk = malloc(sizeof *chunk + room);
        if (chunk == NULL)
            __builtin_trap();
        chunk->next = chunks;
        chunk->used = 0;
        chunk->size = room;
        chunks = chunk;
    }
    void *memory = chunks->data + chunks->used;
    chunks->used += rounded;
    return memory;
}

void *postern_allocate(size_t size)
{
    return memset(take(size), 0, size);
}

/*
 * Where postern puts what it gives. Always with a NUL behind, which makes C strings of strings. Nothing is ever made larger
 * where it stands; that would be only for text in another encoding.
 */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size)
{
    (void)align;
    if (size > SIZE_MAX - 1)
        __builtin_trap();
    char *memory = take(size + 1);
    if (old_size != 0)
        memcpy(memory, old, old_size < size ? old_size : size);
    memory[size] = 0;
    return memory;
}

__attribute__((import_module("postern:filter/types@0.1.0"), import_name("[resource-drop]client"))) extern void
client_drop(int32_t handle);

void postern_owns_client(int32_t handle)
{
    struct owned *owned = take(sizeof *owned);
    owned->next = clients;
    owned->handle = handle;
    clients = owned;
}

void postern_handler_returned(void)
{
    for (; clients != NULL; clients = clients->next)
        client_drop(clients->handle);
}

void postern_call_ended(void)
{
    while (chunks != NULL) {
        struct chunk *chunk = chunks;
        chunks = chunk->next;
        free(chunk);
    }
}

postern_string postern_copy(postern_string string)
{
    if (string.data == NULL)
        return string;
    char *copy = take(string.length + 1);
    memcpy(copy, string.data, string.length);
    copy[string.length] = 0;
    return (postern_string){copy, string.length};
}

postern_string postern_keep(postern_string string)
{
    if (string.data == NULL)
        return string;
    char *copy = malloc(string.length + 1);
    if (copy == NULL)
        __builtin_trap();
    memcpy(copy, string.data, string.length);
    copy[string.length] = 0;
    return (postern_string){copy, string.length};
}
