"""Reading a machine's screen: a frame as captured becomes a `Scan`, the ultrasound picture alone.

signal   is there a picture at all?
roi      where on the screen it lies
read     the step of the pipeline: frame -> Scan, or the Reason why there is none
"""
