"""Entry, weights, golden vectors and model card -> one file, NAME.sonobundle."""
