"""Tests of what is deployed, as far as they go without Docker."""
