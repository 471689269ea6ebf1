"""What ships, made again by one command each: the reference bundles and the calibration frames."""
