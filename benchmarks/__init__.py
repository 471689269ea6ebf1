"""Beside whom SonoEdge is measured, and where a network's milliseconds go.

    python -m benchmarks.peers --out DIR          the same models and frames through us and through others, interleaved
    python -m benchmarks.operators transverse     time per operator of each model of a bundle, INT8 beside float
    python -m benchmarks.load                     ten thousand frames at their rate, idle and under full load
    python -m benchmarks.layout_change            what a frame waits for whose screen's layout is another

    textbook     what a tutorial would write: one fixed script
    engines      one inference engine each behind one call; what is not installed is named
    graphs       a bundle's models in the form that each engine reads; `dequantized` is an INT8 file's float graph
    truth        simulated subjects that no model has seen
    runner       one way through the frames in a process of its own, which does what it is told
    peers        tells the runners, in turn, and writes what they found
    findings     the figures as data; `page` as a table, `plot` as a picture; `setting` says where they were taken

    profiler     LiteRT's own profiler, through the C interface that its wheel carries
    operators    its events by kind of operator

Not installed; what it needs is the extra `bench`. What was found is in docs/performance.md.
"""
