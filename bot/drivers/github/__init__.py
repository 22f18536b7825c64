"""The GitHub driver: each job of the workflows takes a run one step further and leaves."""
