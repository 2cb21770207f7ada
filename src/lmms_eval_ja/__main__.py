"""`python -m lmms_eval_ja` is the command `lmms-eval-ja`."""

from lmms_eval_ja.cli import app

if __name__ == "__main__":
    app()
