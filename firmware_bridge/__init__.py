"""The hardware's side of SonoEdge: what captures frames and talks to the probe's firmware.

    picamera2_source   a camera of the Raspberry Pi's own stack as a FrameSource
    v4l2_source        `v4l2:/dev/video0`: HDMI receivers and USB grabbers, the newest frame whatever befalls the cable
    replay             `replay:FILE`: a recording at its own pace, in the place of a device
    raw_recording      `raw:FILE`: frames and their time stamps as they came
    probe              `serial:/dev/ttyACM0`: the firmware of the probe in the operator's hand
    commands           `sonoedge device probe | edid | watch | record | link | simulate | update`

How a kernel's buffer becomes a frame (docs/adr/0011-hdmi-capture.md):

    v4l2_abi -> v4l2_node -> v4l2, hdmi        ioctls -> an open node -> its stream, its receiver
    pixel_formats                              a buffer -> luma and chroma, or BGR: views
    link_state -> capture                      what is to be done next -> the thread that does it, with the newest frame
    edid, edid_offer, edid_text                what a sink says of itself: read, made, told; with their tables
                                               (edid_descriptor, edid_timing, cta861, hdmi_block, vics, timing)
    link_capacity, usb_path                    what the lanes carry; which socket a grabber or a port is in

How a probe's firmware is heard and told (docs/adr/0013-the-firmware-bridge.md, docs/protocol.md):

    framing -> packet -> messages              bytes -> packets -> what was said
    numbered, time_sync -> endpoint            owed until acknowledged; ticks as host time -> one side, as rules
    wire, serial_link -> link                  bytes that never wait; a port by its socket -> the thread that owns both
    link -> probe                              `serial:/dev/ttyACM0`: what held when a frame was captured; grades
    words, reason_codes                        what befalls a link, for a person; why there is no grade, for a probe
    simulator, simulator_words                 a probe that is not there, and what is said to it
    faults, bad_cable                          what a bad cable does, by the frame; to a running wire
    c, c_tables                                the firmware's side in C99; its tables, made from `messages`
    update                                     new firmware, by MCUmgr's SMP

It implements `edge`'s protocols and imports neither `convert` nor anything heavy.
"""
