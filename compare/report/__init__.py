"""The report: one self-contained static folder that opens from disk."""

from lmms_eval_ja.compare.report.writing import ReportError, write_report

__all__ = ["ReportError", "write_report"]
