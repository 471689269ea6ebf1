/* A probe on this machine: the firmware's link over a serial port, a pseudo-terminal, or stdin and stdout.
 *
 *   cc -std=c99 probe_host.c sonoedge_link.c -o probe_host
 *   probe_host [--port PATH] [--script PATH] [--session NUMBER]
 *
 * The script is read line by line, as it comes (`-`: from stdin, with --port), one line after another:
 *   at MS                               wait until so long after the start
 *   state FREEZE DEPTH_TENTHS_MM GAIN_PERCENT FREQUENCY_KHZ PRESET BODY_MARK SIDE
 *   button BUTTON ACTION                power BATTERY_PERCENT CHARGING TEMPERATURE_TENTHS_C
 *   log LEVEL LINE                      samples COUNT BYTES: blocks of id 0x0030, as fast as the line takes them
 *   reset                               as if the power had gone: another session
 *   stall MS                            do nothing at all for so long
 *   quit
 * What the host says is written to stderr, one line each. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sonoedge_link.h"

#define SAMPLES_ID 0x0030u
#define LINE_BYTES 512u
#define POLL_MS 5

struct probe {
    struct sonoedge_link link;
    struct sonoedge_io io;
    struct sonoedge_message state; /* said at the start of each session */
    bool state_due;
    uint32_t session;
    uint64_t start_us, not_before_us;
    unsigned blocks_left, block_bytes, block;
    int in, out, script;
    size_t waiting; /* bytes of `bytes` that the line has not taken */
    uint8_t bytes[16384];
    size_t read_bytes; /* of the script, in `line` */
    char line[LINE_BYTES];
};

static uint64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- what the link needs ---- */

static uint64_t ticks_us(void *context)
{
    return clock_us() - ((struct probe *)context)->start_us;
}

/* A microcontroller's own buffer is full too where its line stands still: what does not fit is lost. */
static void put(void *context, uint8_t byte)
{
    struct probe *probe = context;

    if (probe->waiting < sizeof probe->bytes) {
        probe->bytes[probe->waiting++] = byte;
    }
}

static void up(void *context, bool lost)
{
    struct probe *probe = context;

    fprintf(stderr, "up lost=%d\n", lost);
    probe->state_due = true;
}

static bool handle(void *context, const struct sonoedge_message *message)
{
    const union sonoedge_fields *as = &message->as;

    (void)context;
    switch (message->id) {
    case SONOEDGE_EXAM_STARTED:
        fprintf(stderr, "exam_started side=%u\n", as->exam_started.side);
        return true;
    case SONOEDGE_EXAM_ENDED:
        fprintf(stderr, "exam_ended frames_total=%lu frames_graded=%lu\n", (unsigned long)as->exam_ended.frames_total,
                (unsigned long)as->exam_ended.frames_graded);
        return true;
    case SONOEDGE_GRADE:
        fprintf(stderr, "grade ticks_us=%llu whole_exam=%u grade=%u confidence_percent=%u reason=%u csa_hundredths_mm2=%u\n",
                (unsigned long long)as->grade.ticks_us, as->grade.whole_exam, as->grade.grade,
                as->grade.confidence_percent, as->grade.reason, as->grade.csa_hundredths_mm2);
        return true;
    case SONOEDGE_REFUSED:
        fprintf(stderr, "refused major=%u\n", as->refused.major);
        return true;
    default:
        fprintf(stderr, "unknown id=0x%04x\n", message->id);
        return false;
    }
}

static const struct sonoedge_message hello = {
    .id = SONOEDGE_HELLO,
    .length = sizeof "SonoEdge host probe" - 1,
    .bytes = "SonoEdge host probe",
    .as.hello = {
        .max_payload = SONOEDGE_MAX_PAYLOAD,
        .capabilities = SONOEDGE_CAPABILITY_FREEZE | SONOEDGE_CAPABILITY_DEPTH | SONOEDGE_CAPABILITY_BUTTONS |
                        SONOEDGE_CAPABILITY_BATTERY | SONOEDGE_CAPABILITY_RESULT_LED | SONOEDGE_CAPABILITY_SAMPLES,
        .board = 1,
        .major = 1,
    },
};

static void power_on(struct probe *probe)
{
    probe->io = (struct sonoedge_io){probe, ticks_us, put, up, handle, &hello};
    probe->waiting = 0;
    probe->blocks_left = 0;
    probe->state_due = false;
    sonoedge_start(&probe->link, &probe->io, probe->session);
}

/* ---- the script ---- */

static bool say_state(struct probe *probe)
{
    probe->state.as.state.ticks_us = ticks_us(probe);
    probe->state_due = !sonoedge_send(&probe->link, &probe->state);
    return true;
}

static bool do_state(struct probe *probe, const char *line)
{
    unsigned freeze, depth, gain, frequency, preset, body_mark, side;

    if (sscanf(line, "state %u %u %u %u %u %u %u", &freeze, &depth, &gain, &frequency, &preset, &body_mark, &side) != 7) {
        return false;
    }
    probe->state = (struct sonoedge_message){.id = SONOEDGE_STATE};
    probe->state.as.state = (struct sonoedge_state){
        0, (uint8_t)freeze, (uint16_t)depth, (uint8_t)gain, (uint16_t)frequency, (uint8_t)preset, (uint8_t)body_mark,
        (uint8_t)side,
    };
    return say_state(probe);
}

/* A line that cannot be said yet is done again later: `later` becomes true. */
static bool do_line(struct probe *probe, const char *line, bool *later)
{
    struct sonoedge_message message = {0};
    unsigned one, two;
    int three, at = 0;

    if (sscanf(line, "at %u", &one) == 1) {
        *later = ticks_us(probe) < (uint64_t)one * 1000u;
    } else if (sscanf(line, "button %u %u", &one, &two) == 2) {
        message.id = SONOEDGE_BUTTON_EVENT;
        message.as.button_event = (struct sonoedge_button_event){ticks_us(probe), (uint8_t)one, (uint8_t)two};
        *later = !sonoedge_send(&probe->link, &message);
    } else if (sscanf(line, "power %u %u %d", &one, &two, &three) == 3) {
        message.id = SONOEDGE_POWER;
        message.as.power = (struct sonoedge_power){(uint8_t)one, (uint8_t)two, (int16_t)three};
        *later = !sonoedge_send(&probe->link, &message);
    } else if (sscanf(line, "log %u %n", &one, &at) == 1 && at > 0) {
        message.id = SONOEDGE_LOG;
        message.as.log.level = (uint8_t)one;
        message.bytes = line + at;
        message.length = (uint16_t)strnlen(line + at, SONOEDGE_MAX_PAYLOAD - 1);
        *later = !sonoedge_pass(&probe->link, &message);
    } else if (sscanf(line, "samples %u %u", &one, &two) == 2 && two >= sizeof one && two <= SONOEDGE_MAX_PAYLOAD) {
        *later = sonoedge_silent(&probe->link) || probe->blocks_left > 0;
        if (!*later) {
            probe->blocks_left = one;
            probe->block_bytes = two;
        }
    } else if (sscanf(line, "stall %u", &one) == 1) {
        usleep(one * 1000u);
    } else if (strcmp(line, "reset") == 0) {
        probe->session++;
        power_on(probe);
    } else if (strcmp(line, "quit") == 0) {
        exit(0);
    } else {
        return line[0] == '\0' || line[0] == '#' || do_state(probe, line);
    }
    return true;
}

/* Does whole lines until one has to wait. */
static void do_script(struct probe *probe)
{
    char *end;
    bool later = false;

    while ((end = memchr(probe->line, '\n', probe->read_bytes)) != NULL) {
        size_t used = (size_t)(end - probe->line) + 1;

        *end = '\0';
        if (!do_line(probe, probe->line, &later)) {
            fprintf(stderr, "probe_host: no such line: %s: sonoedge_link's probe_host.c lists them\n", probe->line);
            exit(2);
        }
        if (later) {
            *end = '\n';
            return;
        }
        probe->read_bytes -= used;
        memmove(probe->line, probe->line + used, probe->read_bytes);
    }
}

static void say_samples(struct probe *probe)
{
    uint8_t payload[SONOEDGE_MAX_PAYLOAD];
    struct sonoedge_message message = {.id = SAMPLES_ID, .bytes = payload, .length = (uint16_t)probe->block_bytes};

    memset(payload, 0xA5, sizeof payload);
    while (probe->blocks_left > 0 && probe->waiting + SONOEDGE_LONGEST_FRAME <= sizeof probe->bytes) {
        memcpy(payload, &probe->block, sizeof probe->block);
        if (!sonoedge_pass(&probe->link, &message)) {
            return;
        }
        probe->block++;
        probe->blocks_left--;
    }
}

/* ---- the port ---- */

static int open_or_exit(const char *path, int flags)
{
    int opened = open(path, flags | O_NOCTTY | O_NONBLOCK);

    if (opened < 0) {
        fprintf(stderr, "probe_host: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    return opened;
}

static void make_raw(int port)
{
    struct termios settings;

    if (tcgetattr(port, &settings) == 0) {
        cfmakeraw(&settings);
        cfsetspeed(&settings, B921600);
        tcsetattr(port, TCSANOW, &settings);
    }
}

/* false: the other end is gone. */
static bool listen_to(struct probe *probe)
{
    uint8_t bytes[4096];
    ssize_t count = read(probe->in, bytes, sizeof bytes);

    if (count > 0) {
        sonoedge_feed(&probe->link, bytes, (size_t)count);
    }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool speak(struct probe *probe)
{
    ssize_t count = write(probe->out, probe->bytes, probe->waiting);

    if (count > 0) {
        probe->waiting -= (size_t)count;
        memmove(probe->bytes, probe->bytes + count, probe->waiting);
    }
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

static void read_script(struct probe *probe)
{
    ssize_t count = read(probe->script, probe->line + probe->read_bytes, LINE_BYTES - probe->read_bytes);

    if (count > 0) {
        probe->read_bytes += (size_t)count;
    } else if (count == 0) {
        probe->script = -1; /* poll() looks past it */
    }
}

static bool turn(struct probe *probe)
{
    struct pollfd ports[] = {
        {probe->in, POLLIN, 0},
        {probe->waiting > 0 ? probe->out : -1, POLLOUT, 0},
        {probe->read_bytes < LINE_BYTES ? probe->script : -1, POLLIN, 0},
    };

    poll(ports, sizeof ports / sizeof *ports, POLL_MS);
    if ((ports[0].revents != 0 && !listen_to(probe)) || (ports[1].revents != 0 && !speak(probe))) {
        return false;
    }
    if (ports[2].revents != 0) {
        read_script(probe);
    }
    if (probe->state_due && probe->state.id != 0) {
        say_state(probe);
    }
    do_script(probe);
    say_samples(probe);
    sonoedge_poll(&probe->link);
    return true;
}

int main(int count, char **words)
{
    static struct probe probe;
    const char *port = NULL, *script = NULL;
    int i;

    probe.session = (uint32_t)clock_us() | 1u;
    for (i = 1; i + 1 < count; i += 2) {
        if (strcmp(words[i], "--port") == 0) {
            port = words[i + 1];
        } else if (strcmp(words[i], "--script") == 0) {
            script = words[i + 1];
        } else if (strcmp(words[i], "--session") == 0) {
            probe.session = (uint32_t)strtoul(words[i + 1], NULL, 0);
        } else {
            break;
        }
    }
    if (i != count || (script != NULL && strcmp(script, "-") == 0 && port == NULL)) {
        fprintf(stderr, "usage: probe_host [--port PATH] [--script PATH] [--session NUMBER]\n");
        return 2;
    }
    probe.in = port != NULL ? open_or_exit(port, O_RDWR) : STDIN_FILENO;
    probe.out = port != NULL ? probe.in : STDOUT_FILENO;
    make_raw(probe.in);
    probe.script = script == NULL ? -1 : strcmp(script, "-") == 0 ? STDIN_FILENO : open_or_exit(script, O_RDONLY);
    probe.start_us = clock_us();
    power_on(&probe);
    while (turn(&probe)) {
    }
    return 0;
}
