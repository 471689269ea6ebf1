/* docs/protocol.md has the rules that stand here as code. */
#define SONOEDGE_TABLES
#include "sonoedge_link.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the link's numbers are little-endian, and so must the processor be"
#endif
#if SONOEDGE_MAX_PAYLOAD > 256 || SONOEDGE_MAX_PAYLOAD < SONOEDGE_LONGEST_FIELDS
#error "SONOEDGE_MAX_PAYLOAD: 256 at most, and the longest message's fields at least"
#endif

#define GREETING_US 100000u
#define HEARTBEAT_US 250000u
#define SILENCE_US 1000000u
#define REFUSAL_US 1000000u
#define FIRST_RETRY_US 50000u
#define LONGEST_RETRY_US 1000000u
#define DOUBLINGS 5u /* from the first retry until the longest */

#define LONGEST_RUN 254u /* bytes without a zero that one count of COBS covers */
#define WHOLE_CRC 0xDEBB20E3u /* of any packet and its CRC, before the inversion */
#define NUMBERED 0x80u
#define MAX_WINDOW 0x7Fu

/* As it lies on the wire: no compiler pads it. */
struct header {
    uint8_t version, window;
    uint16_t message;
    uint32_t sender, receiver;
    uint16_t sequence, acknowledged;
};

/* A packet in the three places where it lies. */
struct outgoing {
    uint8_t head[SONOEDGE_HEADER + SONOEDGE_LONGEST_FIELDS];
    uint8_t crc[SONOEDGE_CRC];
    unsigned head_length, rest_length;
    const uint8_t *rest;
};

static uint32_t now_us(const struct sonoedge_link *link)
{
    return (uint32_t)link->io->ticks_us(link->io->context);
}

/* Of 32 bits of a clock: right for an hour after `then`, and the link looks more often. */
static bool passed(const struct sonoedge_link *link, uint32_t then_us, uint32_t span_us)
{
    return now_us(link) - then_us >= span_us;
}

static uint32_t crc_of(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };

    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 15u];
    return (crc >> 4) ^ table[crc & 15u];
}

/* ---- messages <-> payload ---- */

static const struct sonoedge_form *form_of(unsigned id)
{
    static const struct sonoedge_form unknown = {0, 0, 0};
    size_t i;

    for (i = 0; i < sizeof sonoedge_forms / sizeof *sonoedge_forms; i++) {
        if (sonoedge_forms[i].id == id) {
            return &sonoedge_forms[i];
        }
    }
    return &unknown;
}

/* Writes the fields, and returns how many bytes they are. */
static unsigned pack(const struct sonoedge_message *message, uint8_t *payload)
{
    const struct sonoedge_form *form = form_of(message->id);
    const struct sonoedge_field *field = &sonoedge_fields[form->first];
    unsigned at = 0, i;

    for (i = 0; i < form->count; at += field[i].size, i++) {
        memcpy(payload + at, (const uint8_t *)&message->as + field[i].offset, field[i].size);
    }
    return at;
}

/* false: shorter than its fields. */
static bool unpack(struct sonoedge_message *message, unsigned id, const uint8_t *payload, unsigned length)
{
    const struct sonoedge_form *form = form_of(id);
    const struct sonoedge_field *field = &sonoedge_fields[form->first];
    unsigned at = 0, i;

    for (i = 0; i < form->count; at += field[i].size, i++) {
        if (at + field[i].size > length) {
            return false;
        }
        memcpy((uint8_t *)&message->as + field[i].offset, payload + at, field[i].size);
    }
    message->id = (uint16_t)id;
    message->bytes = payload + at;
    message->length = (uint16_t)(length - at);
    return true;
}

/* ---- packets -> bytes ---- */

static void put(const struct sonoedge_link *link, unsigned byte)
{
    link->io->put(link->io->context, (uint8_t)byte);
}

static uint8_t byte_at(const struct outgoing *out, unsigned at)
{
    if (at < out->head_length) {
        return out->head[at];
    }
    at -= out->head_length;
    return at < out->rest_length ? out->rest[at] : out->crc[at - out->rest_length];
}

/* How many bytes follow without a zero, as far as one count goes. */
static unsigned run_at(const struct outgoing *out, unsigned at, unsigned end)
{
    unsigned run = 0;

    while (run < LONGEST_RUN && at + run < end && byte_at(out, at + run) != 0) {
        run++;
    }
    return run;
}

static void put_frame(const struct sonoedge_link *link, struct outgoing *out)
{
    unsigned end = out->head_length + out->rest_length, at, run, i;
    uint32_t crc = 0xFFFFFFFFu;

    for (at = 0; at < end; at++) {
        crc = crc_of(crc, byte_at(out, at));
    }
    crc = ~crc;
    memcpy(out->crc, &crc, sizeof crc);
    end += SONOEDGE_CRC;

    put(link, 0);
    for (at = 0; at <= end; at += run + (run < LONGEST_RUN)) { /* a full run stands for no zero */
        run = run_at(out, at, end);
        put(link, run + 1);
        for (i = 0; i < run; i++) {
            put(link, byte_at(out, at + i));
        }
    }
    put(link, 0);
}

static void put_packet(struct sonoedge_link *link, struct outgoing *out, unsigned id, bool numbered, uint32_t receiver)
{
    bool counted = id != SONOEDGE_HELLO && id != SONOEDGE_REFUSED;
    struct header header;

    header.version = SONOEDGE_MAJOR << 4 | SONOEDGE_MINOR;
    header.window = (uint8_t)(SONOEDGE_WINDOW | (numbered ? NUMBERED : 0u));
    header.message = (uint16_t)id;
    header.sender = link->me;
    header.receiver = receiver;
    header.sequence = numbered ? link->next : counted ? link->passes++ : 0;
    header.acknowledged = link->expected;
    memcpy(out->head, &header, sizeof header);
    put_frame(link, out);
    if (counted) {
        link->said_us = now_us(link);
    }
}

static uint32_t retry_us(const struct sonoedge_link *link)
{
    return link->tries > DOUBLINGS ? LONGEST_RETRY_US : FIRST_RETRY_US << (link->tries - 1u);
}

static void put_owed(struct sonoedge_link *link)
{
    struct outgoing out;

    out.head_length = SONOEDGE_HEADER;
    out.rest_length = link->owed_length;
    out.rest = link->owed;
    link->tried_us = now_us(link);
    if (link->tries <= DOUBLINGS) {
        link->tries++;
    }
    put_packet(link, &out, link->owed_id, true, link->host);
}

/* false: it is too long. */
static bool put_passing(struct sonoedge_link *link, const struct sonoedge_message *message, uint32_t receiver)
{
    struct outgoing out;

    out.head_length = SONOEDGE_HEADER + pack(message, out.head + SONOEDGE_HEADER);
    out.rest_length = message->length;
    out.rest = message->bytes;
    if (out.head_length + out.rest_length > SONOEDGE_HEADER + SONOEDGE_MAX_PAYLOAD) {
        return false;
    }
    put_packet(link, &out, message->id, false, receiver);
    return true;
}

static void greet(struct sonoedge_link *link)
{
    link->greeted_us = now_us(link);
    put_passing(link, link->io->hello, link->candidate);
}

/* ---- bytes -> packets -> messages ---- */

/* Of another major version only that much is believed. */
static void refuse(struct sonoedge_link *link, const struct header *header)
{
    struct sonoedge_message message;

    message.id = SONOEDGE_REFUSED;
    message.length = 0;
    message.bytes = NULL;
    if (header->message != SONOEDGE_REFUSED && passed(link, link->refused_us, REFUSAL_US)) {
        link->refused_us = now_us(link);
        message.as.refused.major = SONOEDGE_MAJOR;
        put_passing(link, &message, link->host);
    }
    message.as.refused.major = header->version >> 4;
    (void)link->io->handle(link->io->context, &message);
}

static void enter(struct sonoedge_link *link)
{
    link->retired = link->host;
    link->host = link->candidate;
    link->expected = link->arrives = link->next = link->passes = 0;
}

/* Whether the packet is of the session; enters a new one where the host is a new one. */
static bool in_session(struct sonoedge_link *link, const struct header *header)
{
    bool mine = header->receiver == link->me;
    bool hello = header->message == SONOEDGE_HELLO;
    bool other = hello && header->sender != link->host;

    if (header->sender == 0 || header->sender == link->me || header->sender == link->retired) {
        link->stale++;
        return false;
    }
    if (header->sender == link->host && mine) {
        return true;
    }
    if (other) {
        link->candidate = header->sender;
    }
    if (header->sender == link->candidate && mine) {
        enter(link);
        return true;
    }
    if (!other) {
        link->stale++;
    }
    if (other || passed(link, link->greeted_us, GREETING_US)) {
        greet(link);
    }
    return false;
}

/* Whether nobody handed it on yet, and those before it were. Hello and Refused are for the link alone. */
static bool is_next(struct sonoedge_link *link, const struct header *header)
{
    if ((header->window & NUMBERED) != 0) {
        link->said_us = now_us(link) - HEARTBEAT_US; /* acknowledged at once */
        if (header->sequence == link->expected) {
            link->expected++;
            return true;
        }
    } else if (header->message != SONOEDGE_HELLO && header->message != SONOEDGE_REFUSED) {
        if ((uint16_t)(header->sequence - link->arrives) < 0x8000u) {
            link->arrives = (uint16_t)(header->sequence + 1u);
            return true;
        }
    }
    return false;
}

static void hand_on(struct sonoedge_link *link, unsigned id, const uint8_t *payload, unsigned length)
{
    const struct sonoedge_io *io = link->io;
    struct sonoedge_message message;
    uint64_t asked_ns;

    if (!unpack(&message, id, payload, length)) {
        link->skipped++;
    } else if (id == SONOEDGE_TIME_ASK) {
        asked_ns = message.as.time_ask.host_ns;
        message.id = SONOEDGE_TIME_TOLD;
        message.length = 0;
        message.as.time_told.host_ns = asked_ns;
        message.as.time_told.received_us = message.as.time_told.sent_us = io->ticks_us(io->context);
        put_passing(link, &message, link->host);
    } else if (id != SONOEDGE_HEARTBEAT && !io->handle(io->context, &message)) {
        link->skipped++;
    }
}

static void heartbeat_if_due(struct sonoedge_link *link)
{
    struct sonoedge_message message;

    if (passed(link, link->said_us, HEARTBEAT_US)) {
        message.id = SONOEDGE_HEARTBEAT;
        message.length = 0;
        message.bytes = NULL;
        put_passing(link, &message, link->host);
    }
}

static void receive(struct sonoedge_link *link, unsigned length)
{
    uint32_t before = link->host;
    struct header header;

    memcpy(&header, link->packet, sizeof header);
    if (header.version >> 4 != SONOEDGE_MAJOR) {
        refuse(link, &header);
        return;
    }
    if (!in_session(link, &header)) {
        return;
    }
    link->heard_us = now_us(link);
    link->window = header.window & MAX_WINDOW;
    if (link->host != before) {
        bool lost = link->tries != 0;

        link->tries = 0;
        link->said_us = link->heard_us - HEARTBEAT_US; /* the host enters with what is said now */
        link->io->up(link->io->context, lost);
    } else if (link->tries != 0 && header.acknowledged == (uint16_t)(link->next + 1u)) {
        link->tries = 0;
        link->next++;
    }
    if (is_next(link, &header)) {
        hand_on(link, header.message, link->packet + SONOEDGE_HEADER, length - SONOEDGE_HEADER);
    }
    heartbeat_if_due(link);
}

static void keep(struct sonoedge_link *link, uint8_t byte)
{
    if (link->length < SONOEDGE_LONGEST_PACKET) {
        link->packet[link->length] = byte;
    }
    if (link->length <= SONOEDGE_LONGEST_PACKET) {
        link->length++;
    }
}

static bool is_whole(const struct sonoedge_link *link)
{
    uint32_t crc = 0xFFFFFFFFu;
    unsigned at;

    if (link->left != 0 || link->length < SONOEDGE_HEADER + SONOEDGE_CRC || link->length > SONOEDGE_LONGEST_PACKET) {
        return false;
    }
    for (at = 0; at < link->length; at++) {
        crc = crc_of(crc, link->packet[at]);
    }
    return crc == WHOLE_CRC;
}

static void decode(struct sonoedge_link *link, uint8_t byte)
{
    if (byte == 0) {
        if (link->count != 0 && is_whole(link)) {
            receive(link, link->length - SONOEDGE_CRC);
        } else if (link->count != 0) {
            link->damaged++;
        }
        link->length = 0;
        link->left = 0;
        link->count = 0;
    } else if (link->left != 0) {
        link->left--;
        keep(link, byte);
    } else {
        if (link->count != 0 && link->count <= LONGEST_RUN) {
            keep(link, 0);
        }
        link->count = byte;
        link->left = (uint8_t)(byte - 1u);
    }
}

/* ---- what the firmware calls ---- */

void sonoedge_start(struct sonoedge_link *link, const struct sonoedge_io *io, uint32_t session)
{
    memset(link, 0, sizeof *link);
    link->io = io;
    link->me = session;
    link->greeted_us = now_us(link) - GREETING_US;
    link->refused_us = now_us(link) - REFUSAL_US;
}

void sonoedge_feed(struct sonoedge_link *link, const void *bytes, size_t count)
{
    const uint8_t *byte = bytes;

    for (; count > 0; count--) {
        decode(link, *byte++);
    }
}

void sonoedge_poll(struct sonoedge_link *link)
{
    if (link->host == 0) {
        if (passed(link, link->greeted_us, GREETING_US)) {
            greet(link);
        }
        return;
    }
    if (sonoedge_silent(link)) {
        link->heard_us = now_us(link) - SILENCE_US; /* and so it stays when the clock's 32 bits go round */
    }
    if (link->tries != 0 && passed(link, link->tried_us, retry_us(link))) {
        put_owed(link);
    }
    heartbeat_if_due(link);
}

bool sonoedge_send(struct sonoedge_link *link, const struct sonoedge_message *message)
{
    unsigned fields;

    if (link->host == 0 || link->tries != 0 || link->window == 0) {
        return false;
    }
    fields = pack(message, link->owed);
    if (fields + message->length > SONOEDGE_MAX_PAYLOAD) {
        return false;
    }
    if (message->length != 0) {
        memcpy(link->owed + fields, message->bytes, message->length);
    }
    link->owed_id = message->id;
    link->owed_length = (uint16_t)(fields + message->length);
    put_owed(link);
    return true;
}

bool sonoedge_pass(struct sonoedge_link *link, const struct sonoedge_message *message)
{
    return link->host != 0 && put_passing(link, message, link->host);
}

bool sonoedge_silent(const struct sonoedge_link *link)
{
    return link->host == 0 || passed(link, link->heard_us, SILENCE_US);
}
