"""What is secret stays in: planted words, and everything that the program lets out."""
