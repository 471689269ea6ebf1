"""The hardware's side of SonoEdge: what captures frames and talks to the probe's firmware.

    picamera2_source   a camera of the Raspberry Pi's own stack as a FrameSource
    v4l2_source        `v4l2:/dev/video0`: HDMI receivers and USB grabbers, the newest frame whatever befalls the cable
    replay             `replay:FILE`: a recording at its own pace, in the place of a device
    raw_recording      `raw:FILE`: frames and their time stamps as they came
    commands           `sonoedge device probe | edid | watch | record`

How a kernel's buffer becomes a frame (docs/adr/0011-hdmi-capture.md):

    v4l2_abi -> v4l2_node -> v4l2, hdmi        ioctls -> an open node -> its stream, its receiver
    pixel_formats                              a buffer -> luma and chroma, or BGR: views
    link_state -> capture                      what is to be done next -> the thread that does it, with the newest frame
    edid, edid_offer, edid_text                what a sink says of itself: read, made, told; with their tables
                                               (edid_descriptor, edid_timing, cta861, hdmi_block, vics, timing)
    link_capacity, usb_path                    what the lanes carry; which socket a grabber is in

It implements `edge`'s protocols and imports neither `convert` nor anything heavy. The serial link to the firmware moves
in here next.
"""
