"""Float TFLite -> INT8 by a recipe, how far apart the two are, and the search for a recipe that brings them nearer."""
