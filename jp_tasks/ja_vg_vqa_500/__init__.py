"""JA-VG-VQA-500."""
