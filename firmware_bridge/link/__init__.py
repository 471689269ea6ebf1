"""How a probe's firmware is heard and told (docs/adr/0013-the-firmware-bridge.md, docs/protocol.md).

    framing -> packet -> messages         bytes -> packets -> what was said
    numbered, time_sync -> endpoint       owed until acknowledged; ticks as host time -> one side, as rules
    wire, serial_link -> running          bytes that never wait; a port by its socket -> the thread that owns both
    running -> probe                      `serial:/dev/ttyACM0`: what held when a frame was captured; grades
    words, reason_codes                   what befalls a link, for a person; why there is no grade, for a probe
    simulator, simulator_words            a probe that is not there, and what is said to it
    faults, bad_cable                     what a bad cable does, by the frame; to a running wire

The rules hold no clock and no port. The firmware's side of it, in C99, is `firmware_bridge/c`.
"""
