"""Words that the skills draw from."""
