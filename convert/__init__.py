"""SonoEdge on the workstation: from frames to an INT8 bundle.

    phantom      simulated subjects -> frames with exact truth
    dataset      a data folder: images/, masks/, labels.csv
      samples    frames as the device sees them (edge's own screen reading and placement)
      augment    random changes of training frames
      models     networks by name
    train        data folders -> M.keras + M.train.json, split by subject
    keras_model  M.keras -> float TFLite
    calibration  frames that set the INT8 ranges
      ranges     what range each tensor takes over them
    quantize     float TFLite -> INT8, by a recipe (recipes/*.json)
    parity       float against INT8
    conversion   all four, and the manifest's entry
    packaging    entry + weights + model card -> NAME.sonobundle (bundle_writer, model_card)
    evaluate     the figures of a model card, by subject
    reference    the one command that makes the packaged bundles

`convert` knows `edge` and is known by nobody. TensorFlow and Keras are imported when a command needs them.
"""
