/* A disk that fails when it is told to, put between a program and the C library with LD_PRELOAD (Linux, glibc).
 *
 * The file named by FAULTY_DISK says how, in two words, for as long as it exists: a fault, and a part of the paths it
 * is for. Faults: `full` (nothing is written: ENOSPC), `short` (about half of each write is written, as the kernel may
 * do), `torn` (the same, and the rest meets ENOSPC), `sync` (fsync and fdatasync: EIO), `hung` (neither returns).
 *
 * The fault `stuck` is of a thread, by its name: it waits for no event any more, and does nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, FULL, SHORT, TORN, SYNC, HUNG };

/* What the file says now; 0 for nothing. Leaves errno alone. */
static int told(char word[32], char part[128]) {
    const char *control = getenv("FAULTY_DISK");
    if (!control)
        return 0;
    int saved = errno;
    char text[256] = {0};
    long file = syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
    long length = file < 0 ? 0 : syscall(SYS_read, file, text, sizeof text - 1);
    if (file >= 0)
        syscall(SYS_close, file);
    errno = saved;
    return length > 0 && sscanf(text, "%31s %127s", word, part) == 2;
}

static enum fault fault_of(int fd) {
    char word[32] = {0}, part[128] = {0}, link[64], path[4096] = {0};
    if (!told(word, part))
        return NONE;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long named = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = saved;
    if (named <= 0 || !strstr(path, part))
        return NONE;
    if (!strcmp(word, "full"))
        return FULL;
    if (!strcmp(word, "short"))
        return SHORT;
    if (!strcmp(word, "torn"))
        return TORN;
    if (!strcmp(word, "hung"))
        return HUNG;
    return strcmp(word, "sync") ? NONE : SYNC;
}

/* Whether this thread is told to be stuck. */
static int stuck(void) {
    char word[32] = {0}, part[128] = {0}, name[16] = {0};
    return told(word, part) && !strcmp(word, "stuck") && !prctl(PR_GET_NAME, name) && !strcmp(name, part);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    while (stuck())
        usleep(20000);
    return (int)syscall(SYS_epoll_wait, epoll, events, most, timeout);
}

/* How much of a write goes through; -1 with errno for none. */
static ssize_t allowed(int fd, size_t length) {
    switch (fault_of(fd)) {
    case FULL:
        errno = ENOSPC;
        return -1;
    case SHORT:
        return (ssize_t)((length + 1) / 2);
    case TORN:
        if (length > 16)
            return (ssize_t)(length / 2);
        errno = ENOSPC;
        return -1;
    default:
        return (ssize_t)length;
    }
}

ssize_t write(int fd, const void *data, size_t length) {
    ssize_t part = allowed(fd, length);
    return part < 0 ? -1 : syscall(SYS_write, fd, data, (size_t)part);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    ssize_t part = allowed(fd, length);
    return part < 0 ? -1 : syscall(SYS_pwrite64, fd, data, (size_t)part, at);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (fault_of(fd) == NONE)
        return syscall(SYS_writev, fd, parts, count);
    /* As the kernel may: only the first of them that is not empty. */
    for (int index = 0; index < count; index++)
        if (parts[index].iov_len)
            return write(fd, parts[index].iov_base, parts[index].iov_len);
    return 0;
}

/* Whether a sync fails; it does not return while it hangs. */
static int sync_fails(int fd) {
    enum fault fault;
    while ((fault = fault_of(fd)) == HUNG)
        usleep(20000);
    if (fault == SYNC)
        errno = EIO;
    return fault == SYNC;
}

int fsync(int fd) {
    return sync_fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    return sync_fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}
