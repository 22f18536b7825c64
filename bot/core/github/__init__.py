"""What is decided of a run on GitHub: who may, what was asked, what is to be seen."""
