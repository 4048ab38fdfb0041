"""Real daemons that are killed at random moments, and what must hold all the while and after."""
