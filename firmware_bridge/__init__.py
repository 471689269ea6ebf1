"""The hardware's side of SonoEdge: what captures frames and talks to the probe's firmware.

    picamera2_source   a camera of the Raspberry Pi's own stack as a FrameSource

It implements `edge`'s protocols and imports neither `convert` nor anything heavy. HDMI over V4L2 and the serial link to
the firmware move in here next.
"""
