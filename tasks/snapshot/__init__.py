"""The versioned store: commits, published snapshots, and what is asked of them."""
