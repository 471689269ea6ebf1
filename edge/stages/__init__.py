"""The steps between a frame and its grade, each a pure rule or one model; `edge.pipeline` runs them in this order.

quality     is the picture fit?                                   -> a Shortfall, or nothing
placement   where a picture's pixels land on a model's input
segment     scan -> mask, by the INT8 segmenter
measure     mask -> the nerve's measures
fitness     is the nerve fit?                                     -> a Shortfall, or nothing
crop        the 15 x 15 mm about the nerve
grade       crop -> FrameGrade, by the INT8 grader
aggregate   the frames of a sweep -> ClipGrade; two planes of a wrist -> one
"""
