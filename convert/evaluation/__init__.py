"""How good a model is, by subject, and the baselines that it must beat."""
