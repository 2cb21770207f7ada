'use strict';

/** Which samples are listed, and in which order; all of it stands in the address. */
(function (Report) {
  const { STATES } = Report.scores;

  /** The parameters of a list of samples, as the address has them. */
  const NAMES = ['by', 'model', 'category', 'low', 'high', 'spread', 'failed', 'q', 'in', 'sort', 'models'];

  /** @param {URLSearchParams} params @returns {Object<string, string>} */
  function read(params) {
    return Object.fromEntries(NAMES.map((name) => [name, params.get(name) ?? '']));
  }

  /**
   * A row per document: its place and the summary of its scores over the models that are looked at.
   * @returns {Array<{document: number, mean: ?number, low: ?number, high: ?number, spread: ?number}>}
   */
  function summaries(scores, measure, models) {
    return Array.from({ length: scores.length }, (_, document) => ({
      document,
      ...scores.summary(measure, document, models),
    }));
  }

  function failed(scores, kind, document, models) {
    const wanted = {
      any: [STATES.notGenerated, STATES.notJudged, STATES.absent],
      generation: [STATES.notGenerated],
      judge: [STATES.notJudged],
      absent: [STATES.absent],
    }[kind];
    return !wanted || models.some((model) => wanted.includes(scores.state(document, model)));
  }

  const bound = (text) => (text === '' || Number.isNaN(Number(text)) ? null : Number(text));

  /**
   * @param {Object} scores of a task
   * @param {string} measure
   * @param {Object<string, string>} state as `read` gives it
   * @param {number[]} models those that are shown
   * @param {?Set<number>} found documents in whose texts the searched word is; null where none is searched
   */
  function apply(scores, measure, state, models, found) {
    const looked = state.model === '' ? models : [Number(state.model)];
    const [low, high, spread] = [bound(state.low), bound(state.high), bound(state.spread)];
    const kept = summaries(scores, measure, models).filter((row) => {
      const { document } = row;
      if (found && !found.has(document)) return false;
      if (state.category && scores.content.category[document] !== state.category) return false;
      if (!failed(scores, state.failed, document, looked)) return false;
      if (spread !== null && !(row.spread >= spread)) return false;
      if (low === null && high === null) return true;
      const value = state.model === '' ? row.mean : scores.score(measure, document, Number(state.model));
      return value !== null && (low === null || value >= low) && (high === null || value <= high);
    });
    return ordered(kept, state, (row) =>
      state.model === '' ? row.mean : scores.score(measure, row.document, Number(state.model)),
    );
  }

  function ordered(rows, state, value) {
    switch (state.sort) {
      case 'spread':
        return Report.sorted(rows, (row) => row.spread, true);
      case 'best':
        return Report.sorted(rows, value, true);
      case 'worst':
        return Report.sorted(rows, value, false);
      default:
        return rows;
    }
  }

  Report.filter = { read, apply, NAMES };
})(window.Report);
