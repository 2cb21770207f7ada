"""The Japanese part of CVQA."""
