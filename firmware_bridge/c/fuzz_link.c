/* Any bytes, at any times, for libFuzzer:
 *
 *   clang -g -fsanitize=fuzzer,address,undefined fuzz_link.c -o fuzz_link && ./fuzz_link
 *
 * The input is a list of steps, each of an opcode, a count and its bytes, so that the fuzzer need not guess a CRC. */
#include "sonoedge_link.c"

#include <stdlib.h>

enum step { BYTES, PACKET, LATER, SEND }; /* the opcode's lowest two bits; the next one adds 256 to the count */

static uint64_t now;
static unsigned run;
static struct sonoedge_link link;

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint64_t ticks(void *context)
{
    (void)context;
    return now;
}

static void count_byte(void *context, uint8_t byte)
{
    (void)context;
    run = byte == 0 ? 0 : run + 1;
    check(run <= SONOEDGE_LONGEST_FRAME - 2);
}

static void feed_byte(void *context, uint8_t byte)
{
    (void)context;
    sonoedge_feed(&link, &byte, 1);
}

static void up(void *context, bool lost)
{
    struct sonoedge_message state = {.id = SONOEDGE_STATE};

    (void)context;
    (void)lost;
    (void)sonoedge_send(&link, &state);
}

/* The sanitizers see each byte that the firmware may read. */
static bool answer(void *context, const struct sonoedge_message *message)
{
    (void)context;
    check(message->length <= SONOEDGE_MAX_PAYLOAD);
    if (message->id == SONOEDGE_REFUSED && message->length == 0) {
        return true;
    }
    return sonoedge_pass(&link, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sonoedge_message hello = {.id = SONOEDGE_HELLO, .length = 4, .bytes = "fuzz"};
    const struct sonoedge_io io = {NULL, ticks, count_byte, up, answer, &hello};
    const struct sonoedge_io into = {NULL, ticks, feed_byte, up, answer, &hello};
    const struct sonoedge_link framer = {.io = &into};

    now = 0;
    run = 0;
    sonoedge_start(&link, &io, 0x11223344);
    while (size >= 2) {
        unsigned opcode = data[0], count = data[1] | (opcode & 4u) << 6;
        struct outgoing out = {.rest = data + 2, .rest_length = count};
        struct sonoedge_message message = {.id = (uint16_t)(opcode >> 3 << 3), .length = (uint16_t)count, .bytes = data + 2};

        data += 2;
        size -= 2;
        if ((opcode & 3u) == LATER) {
            now += (uint64_t)count << (opcode >> 3);
            sonoedge_poll(&link);
            continue;
        }
        if (count > size) {
            count = (unsigned)size;
            out.rest_length = count;
            message.length = (uint16_t)count;
        }
        if ((opcode & 3u) == BYTES) {
            sonoedge_feed(&link, data, count);
        } else if ((opcode & 3u) == PACKET) {
            put_frame(&framer, &out);
        } else if ((opcode & 0x80u) != 0) {
            (void)sonoedge_send(&link, &message);
        } else {
            (void)sonoedge_pass(&link, &message);
        }
        data += count;
        size -= count;
    }
    return 0;
}
