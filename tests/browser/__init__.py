"""What pages of plots show, in a browser."""
