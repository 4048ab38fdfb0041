"""How quick and how light: figures as ratios, measured side by side in one run."""
