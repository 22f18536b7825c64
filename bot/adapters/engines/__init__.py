"""The programs that drive a model, one file each behind one interface."""
