/* The probe's side of the SonoEdge link (docs/protocol.md): C99, no heap, no operating system.
 *
 * Numbered messages arrive once and in order, or the firmware is told that one was lost with the host that it was for.
 * One link is for one context at a time: call its functions from the main loop, or with the same interrupts masked. */
#ifndef SONOEDGE_LINK_H
#define SONOEDGE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sonoedge_messages.h"

#ifndef SONOEDGE_MAX_PAYLOAD
#define SONOEDGE_MAX_PAYLOAD 256u /* bytes that are taken and sent; say the same in Hello.max_payload */
#endif
#ifndef SONOEDGE_WINDOW
#define SONOEDGE_WINDOW 4u /* numbered packets that the port's own buffer holds while nobody feeds, 1..127 */
#endif

#define SONOEDGE_HEADER 16u
#define SONOEDGE_CRC 4u
#define SONOEDGE_LONGEST_PACKET (SONOEDGE_HEADER + SONOEDGE_MAX_PAYLOAD + SONOEDGE_CRC)
#define SONOEDGE_LONGEST_FRAME (SONOEDGE_LONGEST_PACKET + SONOEDGE_LONGEST_PACKET / 254u + 3u) /* on the wire */

struct sonoedge_message {
    uint16_t id;       /* enum sonoedge_id, or a maker's own */
    uint16_t length;   /* of what follows the fields */
    const void *bytes; /* a text, or, where the id is not in the table, the whole payload */
    union sonoedge_fields as;
};

/* What the link needs of the firmware: all of it, and constant, so that it may stay in flash. */
struct sonoedge_io {
    void *context;
    uint64_t (*ticks_us)(void *context); /* since the start; never backwards */
    void (*put)(void *context, uint8_t byte);
    /* A host is there. lost: the message on the way to the one before may or may not have been executed. */
    void (*up)(void *context, bool lost);
    /* What the host says, numbered messages once and in order; false: nothing is known of it. Valid during the call.
     * Refused says that the host speaks another major version, and nothing else it says is taken. */
    bool (*handle)(void *context, const struct sonoedge_message *message);
    const struct sonoedge_message *hello;
};

/* Read `damaged`, `stale` and `skipped`; they wrap. The rest is the link's own. */
struct sonoedge_link {
    const struct sonoedge_io *io;
    uint16_t damaged; /* frames that were none */
    uint16_t stale;   /* packets of, or for, another session */
    uint16_t skipped; /* messages that nobody knows, or that are too short */
    uint16_t length;  /* of `packet`; beyond its end: too long */
    uint8_t left;     /* bytes until COBS's next count */
    uint8_t count;    /* COBS's last one; 0: between frames */
    uint8_t window;   /* the host's */
    uint8_t tries;    /* of the numbered packet on its way; 0: there is none */
    uint32_t me, host, candidate, retired; /* sessions; 0: none. The candidate is the host until another says Hello */
    uint32_t heard_us, said_us, greeted_us, refused_us, tried_us;
    uint16_t expected, arrives; /* the host's next numbered packet, its next passing one */
    uint16_t next, passes;      /* ours */
    uint16_t owed_id, owed_length;
    uint8_t packet[SONOEDGE_LONGEST_PACKET];
    uint8_t owed[SONOEDGE_MAX_PAYLOAD]; /* the numbered packet on its way */
};

/* session: 1 or more, and one that this probe did not have before: random, or a counter that survives a reset. */
void sonoedge_start(struct sonoedge_link *link, const struct sonoedge_io *io, uint32_t session);

/* Bytes came: calls `handle`, `up` and `put`. Both callbacks may send. */
void sonoedge_feed(struct sonoedge_link *link, const void *bytes, size_t count);

/* Says what is due. Call it every 10 ms or so. */
void sonoedge_poll(struct sonoedge_link *link);

/* A numbered message: sent until the host has it. It is copied.
 * false: nobody is there, or one is on its way, or it is too long; try later. */
bool sonoedge_send(struct sonoedge_link *link, const struct sonoedge_message *message);

/* A passing message: sent once. false: nobody is there, or it is too long. */
bool sonoedge_pass(struct sonoedge_link *link, const struct sonoedge_message *message);

/* Whether nobody is there, or somebody who has said nothing for a second. */
bool sonoedge_silent(const struct sonoedge_link *link);

#endif
