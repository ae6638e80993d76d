/* Loaded into a node by LD_PRELOAD: the read number FAILING_READ of a file below FAILING_FOLDER fails
   with EIO, once, and says so on standard error. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int reads;

static int fails(int file) {
    const char *folder = getenv("FAILING_FOLDER"), *number = getenv("FAILING_READ");
    char link[32], path[4096];
    if (!folder || !number) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return 0;
    if (atomic_fetch_add(&reads, 1) + 1 != atoi(number)) return 0;
    dprintf(2, "failing_reads: read %s failed, of %s\n", number, path);
    errno = EIO;
    return 1;
}

ssize_t read(int file, void *to, size_t count) {
    static ssize_t (*next)(int, void *, size_t);
    if (!next) next = dlsym(RTLD_NEXT, "read");
    return fails(file) ? -1 : next(file, to, count);
}

ssize_t pread(int file, void *to, size_t count, off_t offset) {
    static ssize_t (*next)(int, void *, size_t, off_t);
    if (!next) next = dlsym(RTLD_NEXT, "pread");
    return fails(file) ? -1 : next(file, to, count, offset);
}

ssize_t pread64(int file, void *to, size_t count, off64_t offset) {
    static ssize_t (*next)(int, void *, size_t, off64_t);
    if (!next) next = dlsym(RTLD_NEXT, "pread64");
    return fails(file) ? -1 : next(file, to, count, offset);
}
