"""How good a model is, by subject, and the baselines that it must beat.

sides     a bundle's INT8 models, or float ones out of files, as things that answer pictures
masks     a segmenter's answers -> one row an image
grades    a grader's answers on crops about the true nerve -> one row a wrist (`wrists` says whose)
cascade   the whole bundle's answers -> one row a wrist
sizes     the nerve's area -> one row a wrist
figures   rows -> name -> value and 95 % interval; of a model, of several, and of a difference
evaluate  all of it on one data folder -> `record`, the JSON and the text; `worst`, the cases to look at
baselines what must be beaten
"""
