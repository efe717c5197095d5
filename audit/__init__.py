"""The auditor's tools: what happened, and proof that it did."""
