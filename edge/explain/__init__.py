"""Where the INT8 model looked (P2): parts of what it saw are hidden, and the change of its answer is recorded.

    sight        what one model saw of one frame, and its answer to the same picture changed
    hiding       what stands in the place of what is hidden
    asking       the model asked again and again, within a time budget
    occlusion    a grid of patches, each hidden alone
    lime         superpixels, hidden in random company; a weighted linear fit parts their shares
    support      how much each pixel supports the answer: what both methods give
    explanation  one frame explained, and its record as JSON
    heat_map     the picture for a person

It runs off the live path, on the very stages of the pipeline. LIME needs the extra `explain`.
"""
