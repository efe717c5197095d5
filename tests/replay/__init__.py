"""Golden histories, and that today's code still does exactly what it did then."""
