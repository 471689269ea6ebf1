"""`sonoedge device ...`: what is plugged in, what it offers, what befalls it."""
