/*
 * What the C library asks of its system, where postern has an answer: printf() and its like go to the log, a line each,
 * what is written to stderr as a warning; and time() is the gateway's. Linked only where something uses it.
 *
 * The rest finds a system without files, sockets, arguments and environment, whose random numbers are always the same.
 */
#include "postern.h"

#include <string.h>

enum { SUCCESS = 0, BAD_FILE = 8, NO_SEEK = 70, STDERR = 2, CHARACTER_DEVICE = 2, LINE = 4000 };

typedef struct {
    const char *data;
    size_t length;
} part;

/* What of a line is there so far, of each of the two streams. */
static struct {
    char data[LINE];
    size_t length;
} lines[2];

static void end_line(int which)
{
    postern_log_fields(which == 0 ? POSTERN_INFO : POSTERN_WARN, postern_bytes(lines[which].data, lines[which].length), NULL, 0);
    lines[which].length = 0;
}

int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t file, int32_t parts, int32_t count, int32_t written)
{
    if (file < 1 || file > STDERR)
        return BAD_FILE;
    int which = file - 1;
    size_t total = 0;
    for (int32_t at = 0; at < count; at++) {
        const part *some = (const part *)parts + at;
        total += some->length;
        for (size_t byte = 0; byte < some->length; byte++) {
            if (some->data[byte] == '\n' || lines[which].length == LINE)
                end_line(which);
            if (some->data[byte] != '\n')
                lines[which].data[lines[which].length++] = some->data[byte];
        }
    }
    memcpy((void *)written, &total, sizeof total);
    return SUCCESS;
}

/* A terminal, so that every line is written when it ends. */
int32_t __imported_wasi_snapshot_preview1_fd_fdstat_get(int32_t file, int32_t about)
{
    if (file < 0 || file > STDERR)
        return BAD_FILE;
    memset((void *)about, 0, 24);
    *(uint8_t *)about = CHARACTER_DEVICE;
    return SUCCESS;
}

/* A terminal has no places to go to, and is never closed. The formatting of text asks for these, and so every filter would. */
int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t file, int64_t offset, int32_t whence, int32_t place)
{
    (void)file, (void)offset, (void)whence, (void)place;
    return NO_SEEK;
}

int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t file)
{
    (void)file;
    return BAD_FILE;
}

int32_t __imported_wasi_snapshot_preview1_clock_time_get(int32_t clock, int64_t precision, int32_t time)
{
    (void)precision;
    uint64_t now = clock == 0 ? postern_now() * 1000000 : postern_monotonic();
    memcpy((void *)time, &now, sizeof now);
    return SUCCESS;
}
