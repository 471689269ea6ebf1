"""SonoEdge on the device: ultrasound frames in, grades of carpal tunnel syndrome out, in time.

    sources      where frames come from: pictures, video, MetaImage, DICOM, and what other packages add
    screen       a frame as captured -> Scan: the ultrasound picture alone, with its spacing
    stages       quality, segment, measure, fitness, crop, grade, typical, grade_set, aggregate:
                 each a pure rule or one model
    pipeline     one frame through screen and stages      -> Observation
    budget       how old each frame is at its report; `overrun` what is given up when it would be late
    examine      every frame of a source                  -> Report; `beside` watches it, `collector` stays out of it
    probe        what the firmware in the operator's hand says and is told; `probed` is that through one exam
    choice       which grader this device can afford, by `device_times`
    recorder     good, different, de-identified frames of a source -> a data folder
    explain      where the INT8 model looked in one frame: occlusion, LIME
    report       the versioned record, its schema, its JSON
    overlay      what a person looks at

    bundle       one file with the models; `manifest` is what it says of itself, `contract` whether a model keeps it
    interpreter  the one seam over LiteRT and tflite-runtime; `tflite_file` looks inside a model
    verify, bench, inspect_bundle   what the commands of those names do
    host, heat, energy              the device: who it is, how warm, what it takes

    frame, findings, errors         the nouns: capture, clinic, failure
    metrics                         the only home of metrics
    output, html                    writing whole files or nothing; the pieces of a page
    latest                          a slot in which the newest wins
    registered                      what other packages register with us
    progress                        bars for what takes longer than two seconds
    cli, parser, installed, commands    the program `sonoedge`

Importing it imports none of this. It knows neither `convert` nor `firmware_bridge`.
"""
