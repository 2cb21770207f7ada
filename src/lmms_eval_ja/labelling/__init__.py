"""People's ratings of answers: a local page that shows them blind, and the file that it writes (docs/labelling.md)."""
