"""SonoEdge on the workstation: from frames to an INT8 bundle with proof.

    phantom      simulated subjects -> frames with exact truth
    data         a data folder, and its frames as the device sees them (edge's own screen reading and placement)
    models       networks by name
    training     data folders -> M.keras + M.train.json, split by subject

    conversion   the way of a model, step by step (docs/adr/0007):
      readers      M.keras, .onnx, .tflite, SavedModel -> float TFLite in our input form
      calibration  the frames that set the INT8 ranges, and their lint
      quantizing   float TFLite -> INT8 by a recipe (recipes/*.json), parity, and the search for a better recipe
      gate         float beside INT8 in clinical figures, by subject
      golden       inputs and INT8 answers that every device must repeat
    confidence   a bundle + held-out subjects -> temperature, sets of grades, what is typical, in its manifest
    packing      entry + weights + golden vectors + model card -> NAME.sonobundle
    report       what was done and found, as JSON and a page

    evaluation   the figures of a model card, by subject
    reference    the commands that make what ships
    studies      the papers' comparisons, on phantoms
    glyphs       the device's own network that reads text on screens

`convert` knows `edge` and is known by nobody. TensorFlow and Keras are imported when a command needs them.
"""
