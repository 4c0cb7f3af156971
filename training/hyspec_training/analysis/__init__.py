"""Models that analyse scenes: classifiers, autoencoders, unmixing, encoders for any sensor."""
