"""Where a collector stores its ratings: databases, files, and an HTTP sink of the bench."""
