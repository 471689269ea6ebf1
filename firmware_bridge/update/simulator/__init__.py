"""A device that is not there, down to its flash: for tests of an update.

    flash        NOR flash: erased before it is written, written in blocks, dead in the midst of any operation
    slot         one of MCUboot's two slots: an image, and the trailer that says what is to be done with it
    swap_move    MCUboot's swap using move
    mcuboot      the boot loader: what is to be swapped, what may boot, the security counter
    smp_server   the running firmware's SMP server, after Zephyr's
    pty_device   all of it behind a serial port that loses bytes, stalls, goes and comes back

The rules are those of the MCUboot design (docs.mcuboot.com/design.html), of its swap using move, and of Zephyr's
MCUmgr. One thing is ours: a block of flash is written whole or not at all, as MCUboot assumes of its flash too.
"""
