/* The messages of the link. `python -m firmware_bridge.c_tables` made this of link/messages.py: change that.
 * docs/protocol.md says what each field means. A text is not among the fields: it is what follows them. */
#ifndef SONOEDGE_MESSAGES_H
#define SONOEDGE_MESSAGES_H

#include <stdint.h>

#define SONOEDGE_MAJOR 1u
#define SONOEDGE_MINOR 0u
#define SONOEDGE_LONGEST_FIELDS 24u /* bytes of a message but for what follows its fields */

enum sonoedge_id {
    SONOEDGE_HELLO = 0x0001,
    SONOEDGE_REFUSED = 0x0002,
    SONOEDGE_HEARTBEAT = 0x0003,
    SONOEDGE_TIME_ASK = 0x0004,
    SONOEDGE_TIME_TOLD = 0x0005,
    SONOEDGE_STATE = 0x0010,
    SONOEDGE_BUTTON_EVENT = 0x0011,
    SONOEDGE_POWER = 0x0012,
    SONOEDGE_LOG = 0x0013,
    SONOEDGE_EXAM_STARTED = 0x0020,
    SONOEDGE_EXAM_ENDED = 0x0021,
    SONOEDGE_GRADE = 0x0022,
};

enum sonoedge_capability {
    SONOEDGE_CAPABILITY_FREEZE = 1,
    SONOEDGE_CAPABILITY_DEPTH = 2,
    SONOEDGE_CAPABILITY_BUTTONS = 4,
    SONOEDGE_CAPABILITY_BATTERY = 8,
    SONOEDGE_CAPABILITY_RESULT_LED = 16,
    SONOEDGE_CAPABILITY_SAMPLES = 32,
};

enum sonoedge_freeze {
    SONOEDGE_FREEZE_LIVE = 0,
    SONOEDGE_FREEZE_FROZEN = 1,
    SONOEDGE_FREEZE_UNKNOWN = 255,
};

enum sonoedge_side_code {
    SONOEDGE_SIDE_NOT_SAID = 0,
    SONOEDGE_SIDE_LEFT = 1,
    SONOEDGE_SIDE_RIGHT = 2,
};

enum sonoedge_button {
    SONOEDGE_BUTTON_FREEZE = 0,
    SONOEDGE_BUTTON_SAVE = 1,
    SONOEDGE_BUTTON_UP = 2,
    SONOEDGE_BUTTON_DOWN = 3,
};

enum sonoedge_action {
    SONOEDGE_ACTION_RELEASED = 0,
    SONOEDGE_ACTION_PRESSED = 1,
    SONOEDGE_ACTION_HELD = 2,
};

enum sonoedge_level {
    SONOEDGE_LEVEL_DEBUG = 0,
    SONOEDGE_LEVEL_INFO = 1,
    SONOEDGE_LEVEL_WARNING = 2,
    SONOEDGE_LEVEL_ERROR = 3,
};

enum sonoedge_grade_code {
    SONOEDGE_GRADE_NORMAL = 0,
    SONOEDGE_GRADE_MILD = 1,
    SONOEDGE_GRADE_MODERATE = 2,
    SONOEDGE_GRADE_SEVERE = 3,
    SONOEDGE_GRADE_NONE = 255,
};

enum sonoedge_reason {
    SONOEDGE_REASON_NONE = 0,
    SONOEDGE_REASON_UNREADABLE = 1,
    SONOEDGE_REASON_BLACK = 2,
    SONOEDGE_REASON_FLAT = 3,
    SONOEDGE_REASON_COLOUR_BARS = 4,
    SONOEDGE_REASON_NO_SIGNAL = 5,
    SONOEDGE_REASON_MENU = 6,
    SONOEDGE_REASON_FROZEN = 7,
    SONOEDGE_REASON_NO_PICTURE = 8,
    SONOEDGE_REASON_AMBIGUOUS_VIEWS = 9,
    SONOEDGE_REASON_NOT_THE_PROFILE = 10,
    SONOEDGE_REASON_TOO_SMALL = 11,
    SONOEDGE_REASON_NO_CONTRAST = 12,
    SONOEDGE_REASON_NO_CONTACT = 13,
    SONOEDGE_REASON_TOO_DARK = 14,
    SONOEDGE_REASON_SATURATED = 15,
    SONOEDGE_REASON_NOT_B_MODE = 16,
    SONOEDGE_REASON_BLURRED = 17,
    SONOEDGE_REASON_NO_NERVE = 18,
    SONOEDGE_REASON_NERVE_CUT_OFF = 19,
    SONOEDGE_REASON_IMPLAUSIBLE_NERVE = 20,
    SONOEDGE_REASON_WRONG_PLANE = 21,
    SONOEDGE_REASON_SHADOW = 22,
    SONOEDGE_REASON_MARKED = 23,
    SONOEDGE_REASON_NO_SPACING = 24,
    SONOEDGE_REASON_SPACING_CONFLICT = 25,
    SONOEDGE_REASON_UNLIKE_TRAINING = 26,
    SONOEDGE_REASON_NO_GRADER = 27,
    SONOEDGE_REASON_TOO_LATE = 28,
    SONOEDGE_REASON_TOO_FEW_FRAMES = 29,
    SONOEDGE_REASON_DISAGREEING_FRAMES = 30,
    SONOEDGE_REASON_DISAGREEING_PLANES = 31,
    SONOEDGE_REASON_UNSURE = 32,
    SONOEDGE_REASON_PROBE_SILENT = 33,
    SONOEDGE_REASON_NEWER = 255,
};

/* Who I am, and what I can: said until the other side is known.
 * Said by: both, passing, text: name. */
struct sonoedge_hello {
    uint16_t max_payload;
    uint32_t capabilities;
    uint32_t board;
    uint8_t major;
    uint8_t minor;
    uint16_t patch;
};

/* I do not speak your major version.
 * Said by: both, passing. */
struct sonoedge_refused {
    uint8_t major;
};

/* What time is it there?
 * Said by: host, passing. */
struct sonoedge_time_ask {
    uint64_t host_ns;
};

/* The microcontroller's ticks when the question came, and when this answer left.
 * Said by: probe, passing. */
struct sonoedge_time_told {
    uint64_t host_ns;
    uint64_t received_us;
    uint64_t sent_us;
};

/* How the probe is set, from `ticks_us` on: said at the start of a session and whenever something changes.
 * Said by: probe, numbered. */
struct sonoedge_state {
    uint64_t ticks_us;
    uint8_t freeze;
    uint16_t depth_tenths_mm;
    uint8_t gain_percent;
    uint16_t frequency_khz;
    uint8_t preset;
    uint8_t body_mark;
    uint8_t side;
};

/* A button was pressed, let go, or held.
 * Said by: probe, numbered. */
struct sonoedge_button_event {
    uint64_t ticks_us;
    uint8_t button;
    uint8_t action;
};

/* Battery and temperature, when they change by a step.
 * Said by: probe, numbered. */
struct sonoedge_power {
    uint8_t battery_percent;
    uint8_t charging;
    int16_t temperature_tenths_c;
};

/* A line of the firmware's own log.
 * Said by: probe, passing, text: line. */
struct sonoedge_log {
    uint8_t level;
};

/* Frames are graded from now on.
 * Said by: host, numbered. */
struct sonoedge_exam_started {
    uint8_t side;
};

/* The last frame of the exam was graded.
 * Said by: host, numbered. */
struct sonoedge_exam_ended {
    uint32_t frames_total;
    uint32_t frames_graded;
};

/* What became of one frame, or of the exam: a grade, or the reason why there is none.
 * Said by: host, numbered. */
struct sonoedge_grade {
    uint64_t ticks_us;
    uint8_t whole_exam;
    uint8_t grade;
    uint8_t confidence_percent;
    uint8_t reason;
    uint16_t csa_hundredths_mm2;
};

/* Which one it is, the message's id says. */
union sonoedge_fields {
    struct sonoedge_hello hello;
    struct sonoedge_refused refused;
    struct sonoedge_time_ask time_ask;
    struct sonoedge_time_told time_told;
    struct sonoedge_state state;
    struct sonoedge_button_event button_event;
    struct sonoedge_power power;
    struct sonoedge_log log;
    struct sonoedge_exam_started exam_started;
    struct sonoedge_exam_ended exam_ended;
    struct sonoedge_grade grade;
};

#ifdef SONOEDGE_TABLES /* for sonoedge_link.c alone */

#include <stddef.h>

struct sonoedge_field {
    uint8_t offset, size; /* in the message's struct; on the wire they follow one another */
};

struct sonoedge_form {
    uint16_t id;
    uint8_t first, count; /* its fields */
};

#define SONOEDGE_FIELD(type, field) {offsetof(struct type, field), sizeof(((struct type *)0)->field)}

static const struct sonoedge_field sonoedge_fields[] = {
    SONOEDGE_FIELD(sonoedge_hello, max_payload),
    SONOEDGE_FIELD(sonoedge_hello, capabilities),
    SONOEDGE_FIELD(sonoedge_hello, board),
    SONOEDGE_FIELD(sonoedge_hello, major),
    SONOEDGE_FIELD(sonoedge_hello, minor),
    SONOEDGE_FIELD(sonoedge_hello, patch),
    SONOEDGE_FIELD(sonoedge_refused, major),
    SONOEDGE_FIELD(sonoedge_time_ask, host_ns),
    SONOEDGE_FIELD(sonoedge_time_told, host_ns),
    SONOEDGE_FIELD(sonoedge_time_told, received_us),
    SONOEDGE_FIELD(sonoedge_time_told, sent_us),
    SONOEDGE_FIELD(sonoedge_state, ticks_us),
    SONOEDGE_FIELD(sonoedge_state, freeze),
    SONOEDGE_FIELD(sonoedge_state, depth_tenths_mm),
    SONOEDGE_FIELD(sonoedge_state, gain_percent),
    SONOEDGE_FIELD(sonoedge_state, frequency_khz),
    SONOEDGE_FIELD(sonoedge_state, preset),
    SONOEDGE_FIELD(sonoedge_state, body_mark),
    SONOEDGE_FIELD(sonoedge_state, side),
    SONOEDGE_FIELD(sonoedge_button_event, ticks_us),
    SONOEDGE_FIELD(sonoedge_button_event, button),
    SONOEDGE_FIELD(sonoedge_button_event, action),
    SONOEDGE_FIELD(sonoedge_power, battery_percent),
    SONOEDGE_FIELD(sonoedge_power, charging),
    SONOEDGE_FIELD(sonoedge_power, temperature_tenths_c),
    SONOEDGE_FIELD(sonoedge_log, level),
    SONOEDGE_FIELD(sonoedge_exam_started, side),
    SONOEDGE_FIELD(sonoedge_exam_ended, frames_total),
    SONOEDGE_FIELD(sonoedge_exam_ended, frames_graded),
    SONOEDGE_FIELD(sonoedge_grade, ticks_us),
    SONOEDGE_FIELD(sonoedge_grade, whole_exam),
    SONOEDGE_FIELD(sonoedge_grade, grade),
    SONOEDGE_FIELD(sonoedge_grade, confidence_percent),
    SONOEDGE_FIELD(sonoedge_grade, reason),
    SONOEDGE_FIELD(sonoedge_grade, csa_hundredths_mm2),
};

static const struct sonoedge_form sonoedge_forms[] = {
    {SONOEDGE_HELLO, 0, 6},
    {SONOEDGE_REFUSED, 6, 1},
    {SONOEDGE_HEARTBEAT, 7, 0},
    {SONOEDGE_TIME_ASK, 7, 1},
    {SONOEDGE_TIME_TOLD, 8, 3},
    {SONOEDGE_STATE, 11, 8},
    {SONOEDGE_BUTTON_EVENT, 19, 3},
    {SONOEDGE_POWER, 22, 3},
    {SONOEDGE_LOG, 25, 1},
    {SONOEDGE_EXAM_STARTED, 26, 1},
    {SONOEDGE_EXAM_ENDED, 27, 2},
    {SONOEDGE_GRADE, 29, 6},
};

#endif
#endif
