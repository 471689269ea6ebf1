"""Firmware update: MCUmgr's SMP (`smpclient`) to MCUboot, with the refusals that a clinic needs before the first byte.

    image           an MCUboot image, read: version, board, security counter, hash, signature; nothing believed
    signing         its Ed25519 signature against a public key
    rules           what the device has and what the file is -> what is to be done next, or why not
    probe_group     two things that SMP has no word for: the security counter, the firmware's own test
    conversation    one device's SMP server: a question is asked again until it is answered, or nobody is there
    serial_line     its line: a port, or the USB socket of one
    updater         the whole way: look, upload, try, reset, test, confirm; or back again
    simulator       a device that is not there: flash that may lose power, MCUboot, an SMP server, a serial port

Needs the extra `update`; `image` and `rules` need nothing. docs/firmware-update.md is for who signs and installs.
"""
