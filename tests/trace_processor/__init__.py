"""What Perfetto's own trace processor reads in the traces that are written for it."""
