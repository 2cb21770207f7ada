"""The Japanese part of CC-OCR."""
