"""The papers' own comparisons, made again on phantoms: one resumable command each, its table in docs/studies.

    python -m convert.studies segmenters    P1's Table 3: five segmenters, wrist and forearm, two machines
    python -m convert.studies graders       P2's Table 1: three graders, CTS or not
    python -m convert.studies planes        P3: transverse, longitudinal, and the joined grade
    python -m convert.studies screens       real screens: where the picture is, its spacing, the text round it

Phantoms are not patients: the tables show that every network goes the whole way here, and how they rank on equal
terms. They say nothing of how well a network sees a nerve in a clinic.
"""
