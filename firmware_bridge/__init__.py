"""The hardware's side of SonoEdge: what captures frames and talks to the probe's firmware.

    picamera2_source   a camera of the Raspberry Pi's own stack as a FrameSource
    v4l2_source        `v4l2:/dev/video0`: HDMI receivers and USB grabbers, the newest frame whatever befalls the cable
    replay             `replay:FILE`: a recording at its own pace, in the place of a device
    raw_recording      `raw:FILE`: frames and their time stamps as they came
    link.probe         `serial:/dev/ttyACM0`: the firmware of the probe in the operator's hand
    commands           `sonoedge device probe | edid | watch | record | link | simulate | update`

How a kernel's buffer becomes a frame (docs/adr/0011-hdmi-capture.md):

    v4l2_abi -> v4l2_node -> v4l2, hdmi        ioctls -> an open node -> its stream, its receiver
    pixel_formats                              a buffer -> luma and chroma, or BGR: views
    link_state -> capture                      what is to be done next -> the thread that does it, with the newest frame
    edid, edid_offer, edid_text                what a sink says of itself: read, made, told; with their tables
                                               (edid_descriptor, edid_timing, cta861, hdmi_block, vics, timing)
    link_capacity, usb_path                    what the lanes carry; which socket a grabber or a port is in

How a probe's firmware is heard, told and replaced (docs/adr/0013-the-firmware-bridge.md):

    link                                       the wire protocol, its rules, the port, the probe that `edge` knows
    c, c_tables                                the firmware's side in C99; its tables, made from `link.messages`
    update                                     new firmware, by MCUmgr's SMP, and a device to try it on

It implements `edge`'s protocols and imports neither `convert` nor anything heavy.
"""
