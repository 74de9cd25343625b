"""The PyTorch trainer of olmix: the same plans, sequences and checkpoints as `olmix proxy train`."""
