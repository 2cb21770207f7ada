"""The report card of a judge."""
