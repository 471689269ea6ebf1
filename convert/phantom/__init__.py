"""Our own B-mode simulator: wrists and forearms whose grade, contour and millimetres are known exactly.

    Subject      one person's anatomy and severity; what severity moves is in `subject` (P2, P3)
    Settings     machine, depth, gain, frequency ... drawn apart from the subject, so that no grade hides in them
      anatomy    Subject -> TissueMap: echo levels, mirrors, shadows on the picture's own grid, and the nerve's mask
      bmode      TissueMap -> grey picture: speckle, point spread function, time gain, log compression
    PhantomFrame the picture with its exact truth
      screen     the picture within a machine's screen: patient line, menus, what a capture makes of it
      ruler, pen what it is drawn with

Nothing here is a patient. The frames are for engineering and demonstration (see calibration_data/README.md).
"""
