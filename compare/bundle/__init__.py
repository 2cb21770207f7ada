"""A comparison as one file that others can cite, and check without asking anybody anything."""

from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.mismatch import Mismatch
from lmms_eval_ja.compare.bundle.packing import Packed, pack
from lmms_eval_ja.compare.bundle.verifying import Verified, verify

__all__ = ["BundleError", "Mismatch", "Packed", "Verified", "pack", "verify"]
