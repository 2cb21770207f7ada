"""Probes of a judge: what its scores do when something is changed that should, or should not, matter."""

from lmms_eval_ja.judges.probes.deciding import COVERAGE, FEWEST_ANSWERS, FEWEST_CLUSTERS, LEVEL, Finding, Rule
from lmms_eval_ja.judges.probes.effects import RULES
from lmms_eval_ja.judges.probes.probing import Probe, Probed, probe_judge
from lmms_eval_ja.judges.probes.steps import PROBES, USUAL, Plan, check_names, plan

__all__ = [
    "COVERAGE",
    "FEWEST_ANSWERS",
    "FEWEST_CLUSTERS",
    "LEVEL",
    "PROBES",
    "RULES",
    "USUAL",
    "Finding",
    "Plan",
    "Probe",
    "Probed",
    "Rule",
    "check_names",
    "plan",
    "probe_judge",
]
