"""Confidence that means something (docs/adr/0009): fitted on the whole cascade's answers to held-out subjects.

answers      what the bundle saw in each wrist, once; all that follows is arithmetic on it
temperature  probabilities that can be taken at their word
conformal    the threshold at which a set of grades holds the true one in the promised share of wrists
typical      what frames of held-out subjects look like, and how far from them is too far
fit          the three, each on subjects of its own
resplits     what they would have been worth to subjects that fitted none of them
confide      a bundle -> a copy of it with confidence, and the report
"""
